from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.finetuning.tiny import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's folder."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
