"""Models of other providers, opened by LangChain: tried with its own OpenAI client against the stub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chains.models.langchain_model import init
from chains.models.names import ModelName
from chains.models.openai_compatible import OpenAICompatibleChat
from chains.models.settings import ProviderSettings
from domain.errors import MissingApiKey, UnknownModelName

if TYPE_CHECKING:
    from tests.support.openai_stub import OpenAIStub


def test_a_steps_settings_are_built_in_and_what_a_class_does_not_know_is_left_out(stub: OpenAIStub) -> None:
    limits = ProviderSettings(base_url=stub.url, api_key="sk-other-0123456789", protocol="native")
    model = init(ModelName("openai", "stub"), limits, {"temperature": 0.4, "max_tokens": 9, "colour": "red"})
    assert not isinstance(model, OpenAICompatibleChat)
    model.invoke("hi")
    assert stub.last.body["temperature"] == 0.4
    assert stub.last.body["max_completion_tokens"] == 9
    assert "colour" not in stub.last.body


def test_a_missing_key_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingApiKey, match="OPENAI_API_KEY"):
        init(ModelName("openai", "gpt-4o"), ProviderSettings(), {})


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(UnknownModelName, match="pip install langchain-ollama"):
        init(ModelName("ollama", "llama3"), ProviderSettings(), {})
