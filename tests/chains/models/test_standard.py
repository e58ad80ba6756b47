"""LangChain's own standard tests, for each chat model of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from chains.models.openai_compatible import OpenAICompatibleChat
from chains.models.scripted import ScriptedChatModel
from tests.support.openai_stub import OpenAIStub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.language_models import BaseChatModel

_stub = OpenAIStub()


@pytest.fixture(scope="module", autouse=True)
def running_stub() -> Iterator[None]:
    with _stub:
        yield


class TestOpenAICompatibleUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAICompatibleChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "stub", "base_url": "http://127.0.0.1:1/v1", "api_key": "none"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"OPENAI_API_KEY": "from-env"}, {"model": "stub"}, {"openai_api_key": "from-env"}


class TestOpenAICompatible(ChatModelIntegrationTests):
    """Against the stub, which neither calls tools nor sees pictures."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAICompatibleChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "stub", "base_url": _stub.url, "api_key": "none"}

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False


class TestScriptedUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ScriptedChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"always": "a riddle of four words"}


class TestScripted(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ScriptedChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"always": "a riddle of four words"}
