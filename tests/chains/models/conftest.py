"""A stub service, chat models that talk to it, and steps that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chains.models import ChatModels, ModelSettings, ProviderSettings
from chains.models import retries as retries_module
from prompts.pipeline import ModelCallSpec, StepSpec
from tests.support.openai_stub import OpenAIStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def stub() -> Iterator[OpenAIStub]:
    with OpenAIStub() as server:
        yield server


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between tries are a hundredth of what they are."""
    monkeypatch.setattr(retries_module, "FIRST_WAIT_S", 0.005)


@pytest.fixture
def settings(stub: OpenAIStub) -> ModelSettings:
    return ModelSettings(providers={"openai": ProviderSettings(base_url=stub.url, api_key=KEY)})


@pytest.fixture
async def models(settings: ModelSettings) -> AsyncIterator[ChatModels]:
    opened = ChatModels(settings)
    yield opened
    await opened.aclose()


@pytest.fixture
def step() -> Callable[..., StepSpec]:
    def make(model: str = "openai:stub", *, fallbacks: tuple[str, ...] = (), **settings: Any) -> StepSpec:
        spec = ModelCallSpec(**{"max_tokens": 64, "timeout_s": 5.0, **settings})
        return StepSpec(step="summarize", prompt="summarize", model=model, fallbacks=fallbacks, settings=spec)

    return make
