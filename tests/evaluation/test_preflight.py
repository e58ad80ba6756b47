from __future__ import annotations

import pytest

from chains.models import ChatModels
from domain.errors import ConfigurationError, MissingExtra
from evaluation.experiments import open_models, require_evaluators
from evaluation.experiments import preflight as checks


async def test_models_that_cannot_be_opened_are_told_at_once() -> None:
    await open_models(ChatModels(), ["scripted:any"])
    with pytest.raises(ConfigurationError, match=r"nowhere\.gguf"):
        await open_models(ChatModels(), ["scripted:any", "embedded:nowhere.gguf"])


def test_what_scores_need_is_asked_for_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    require_evaluators()
    monkeypatch.setattr(checks, "_NEEDED", ("scipy", "no_such_package"))
    with pytest.raises(MissingExtra, match=r"riddlewire\[eval\]"):
        require_evaluators()
