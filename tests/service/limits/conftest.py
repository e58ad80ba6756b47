from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.openai_stub import OpenAIStub

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stub() -> Iterator[OpenAIStub]:
    """The provider."""
    with OpenAIStub() as server:
        yield server
