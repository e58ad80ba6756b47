from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.cli.running import Cli
from tests.support.articles import real_articles
from tests.support.openai_stub import OpenAIStub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command over an empty data folder."""
    return Cli(tmp_path / "home")


@pytest.fixture(scope="module")
def home_in_use(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that the tests of a module share, because filling one takes a second."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def shared(home_in_use: Path) -> Cli:
    """The command over the module's data folder, for tests that only read."""
    return Cli(home_in_use)


@pytest.fixture
def stub() -> Iterator[OpenAIStub]:
    """An OpenAI-compatible service on loopback."""
    with OpenAIStub() as server:
        yield server


@pytest.fixture
def service(home_in_use: Path, stub: OpenAIStub) -> Cli:
    """The command with pipeline `openai` as its default, answered by the stub."""
    env = {
        "OPENAI_API_KEY": "sk-stub",
        "OPENAI_BASE_URL": stub.url,
        "RIDDLEWIRE_PIPELINE": "openai",
        "RIDDLEWIRE_CACHE_ENABLED": "false",  # tests count what the stub is asked
    }
    return Cli(home_in_use, env)


@pytest.fixture
def article(tmp_path: Path) -> Path:
    """A real article in a file."""
    path = tmp_path / "article.txt"
    path.write_text(real_articles(1)[0].text, encoding="utf-8")
    return path
