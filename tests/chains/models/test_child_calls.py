"""A model call inside a pipeline's run: callbacks see what LangChain's own way of calling would have shown them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tracers.base import BaseTracer

from chains.models.openai_compatible import OpenAICompatibleChat
from chains.models.settings import ProviderSettings
from chains.step import Step
from domain.errors import ProviderBadAnswer
from tests.support.openai_stub import NO_CHOICES

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langchain_core.tracers.schemas import Run

    from tests.support.openai_stub import OpenAIStub

ASKED = [SystemMessage("be brief"), HumanMessage("hi")]
SETTINGS: dict[str, Any] = {"temperature": 0.5, "max_tokens": 7, "stop": ["\n\n"]}


class Seen(BaseCallbackHandler):
    """Keeps what it is told, ids of runs replaced by what they are to each other."""

    run_inline = True

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.step: Any = None

    def on_chain_start(self, *_: Any, run_id: Any, **__: Any) -> None:
        self.step = run_id

    def on_chat_model_start(self, serialized: Any, messages: Any, **told: Any) -> None:
        told["run_id"] = None
        told["parent_run_id"] = told["parent_run_id"] == self.step
        told["tags"] = sorted(set(told["tags"]))
        self.events.append(("start", serialized, messages, told))

    def on_llm_end(self, response: Any, *, run_id: Any, parent_run_id: Any = None, **_: Any) -> None:
        message = response.generations[0][0].message
        assert str(run_id) in message.id
        told = message.model_copy(update={"id": None})
        self.events.append(("end", told, parent_run_id == self.step))

    def on_llm_error(self, error: BaseException, *, run_id: Any, parent_run_id: Any = None, **_: Any) -> None:
        self.events.append(("error", str(error), run_id != parent_run_id == self.step))


class Asking(Step[str, AIMessage]):
    """A step that calls a model, with `ours` or in LangChain's own way."""

    name = "asking"

    def __init__(self, chat: OpenAICompatibleChat, *, ours: bool = True) -> None:
        self._chat = chat
        self._ours = ours

    async def _work(self, task: str, config: RunnableConfig) -> AIMessage:
        del task
        if self._ours:
            return await self._chat.ainvoke(ASKED, config, **SETTINGS)
        return await BaseChatModel.ainvoke(self._chat, ASKED, config, **SETTINGS)


@pytest.fixture
def chat(stub: OpenAIStub) -> OpenAICompatibleChat:
    limits = ProviderSettings(timeout_s=5.0, max_retries=0)
    return OpenAICompatibleChat(
        provider="vllm", model="stub", base_url=stub.url, api_key="sk-test", limits=limits, tags=["own"]
    )


@pytest.mark.parametrize("fails", [False, True])
async def test_callbacks_see_the_same_as_in_langchains_own_way(
    stub: OpenAIStub, chat: OpenAICompatibleChat, *, fails: bool
) -> None:
    seen: list[list[Any]] = []
    for ours in (True, False):
        if fails:
            stub.enqueue(NO_CHOICES)
        told = Seen()
        config: RunnableConfig = {"callbacks": [told], "tags": ["mine"], "metadata": {"team": "news"}}
        try:
            await Asking(chat, ours=ours).ainvoke("go", config)
        except ProviderBadAnswer:
            assert fails
        seen.append(told.events)
    ours_seen, langchains = seen
    assert [event[0] for event in ours_seen] == ["start", "error" if fails else "end"]
    assert ours_seen[0] == langchains[0]
    if not fails:
        assert ours_seen == langchains


async def test_traces_and_metrics_hear_our_name_of_the_provider(chat: OpenAICompatibleChat) -> None:
    told = Seen()
    await Asking(chat).ainvoke("go", {"callbacks": [told]})
    metadata = told.events[0][3]["metadata"]
    assert (metadata["ls_provider"], metadata["ls_model_name"]) == ("vllm", "stub")
    assert (metadata["ls_temperature"], metadata["ls_max_tokens"]) == (0.5, 7)


async def test_a_listener_to_events_gets_the_answer_in_pieces(chat: OpenAICompatibleChat) -> None:
    kinds = [event["event"] async for event in Asking(chat).astream_events("go", version="v2")]
    assert kinds.count("on_chat_model_stream") > 1
    assert kinds.count("on_chat_model_end") == 1


async def test_a_tracer_gets_the_whole_of_a_call(chat: OpenAICompatibleChat) -> None:
    runs: list[Run] = []

    class Tracer(BaseTracer):
        def _persist_run(self, run: Run) -> None:
            runs.append(run)

    await Asking(chat).ainvoke("go", {"callbacks": [Tracer()]})
    (call,) = runs[0].child_runs
    assert call.run_type == "llm"
    assert call.outputs is not None


async def test_a_cache_that_langchain_was_given_answers_as_it_always_does(
    chat: OpenAICompatibleChat, stub: OpenAIStub
) -> None:
    set_llm_cache(InMemoryCache())
    try:
        first, second = [await Asking(chat).ainvoke("x", {"callbacks": [Seen()]}) for _ in range(2)]
    finally:
        set_llm_cache(None)
    assert (len(stub.requests), first.text) == (1, second.text)
