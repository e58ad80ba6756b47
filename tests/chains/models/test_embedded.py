"""The embedded engine, for real: half a second to load, a second or two an answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from chains.models import ChatModels, EngineSettings, ModelSettings
from chains.models.embedded import EmbeddedChat, UnknownAdapter
from chains.models.engine import Engine, EngineNotStarted
from chains.models.gguf_location import locate_gguf
from chains.models.providers import provider_settings
from domain.errors import ProviderTimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from langchain_core.language_models import BaseChatModel

    from prompts.pipeline import StepSpec

    MakeStep = Callable[..., StepSpec]

NAME = "embedded:smollm2-135m-instruct"
SMALL = EngineSettings(parallel=2, context=512)
RULES = SystemMessage("You are a careful editor of a village newspaper. " * 8 + "Answer in one short sentence.")

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def embedded() -> Iterator[ChatModels]:
    models = ChatModels(ModelSettings(engine=SMALL))
    yield models
    asyncio.run(models.aclose())


async def test_an_answer_has_tokens_no_cost_and_the_engines_own_times(embedded: ChatModels, step: MakeStep) -> None:
    completion = await embedded.complete(
        step(NAME, max_tokens=20, temperature=0.0, timeout_s=60), [HumanMessage("Who wrote Hamlet?")]
    )
    assert "Shakespeare" in completion.text
    assert completion.usage.output_tokens <= 20
    assert completion.usage.cost_usd == 0.0
    assert completion.engine_timings["predicted_per_second"] > 0


async def test_a_shared_beginning_is_read_once(embedded: ChatModels, step: MakeStep) -> None:
    spec = step(NAME, max_tokens=4, temperature=0.0, timeout_s=60)
    await embedded.complete(spec, [RULES, HumanMessage("The bridge is open.")])
    usage = (await embedded.complete(spec, [RULES, HumanMessage("The mill is shut.")])).usage
    assert usage.cached_tokens > 0.7 * usage.input_tokens


async def test_deltas_add_up_and_come_with_usage(embedded: ChatModels, step: MakeStep) -> None:
    pieces: list[str] = []

    async def keep(piece: str) -> None:
        pieces.append(piece)

    spec = step(NAME, max_tokens=12, temperature=0.0, timeout_s=60)
    completion = await embedded.complete(spec, [HumanMessage("Count to five.")], on_delta=keep)
    assert "".join(pieces) == completion.text
    assert len(pieces) > 3
    assert completion.usage.output_tokens == 12 or completion.finish_reason == "stop"
    assert completion.engine_timings


async def test_a_grammar_binds_the_answer(embedded: ChatModels, step: MakeStep, tmp_path: Path) -> None:
    (tmp_path / "yes-no.gbnf").write_text('root ::= ("yes" | "no")')
    models = ChatModels(ModelSettings(engine=SMALL, grammars=tmp_path))
    models.put(NAME, embedded.get(NAME))
    spec = step(NAME, max_tokens=8, grammar="yes-no", timeout_s=60)
    completion = await models.complete(spec, [HumanMessage("Tell me a story about a fox.")])
    assert completion.text in ("yes", "no")


async def test_more_articles_than_slots_are_all_answered(embedded: ChatModels, step: MakeStep) -> None:
    spec = step(NAME, max_tokens=4, temperature=0.0, timeout_s=60)
    answers = await asyncio.gather(*(embedded.complete(spec, [HumanMessage(f"Say {n}")]) for n in range(5)))
    assert all(answer.usage.output_tokens > 0 for answer in answers)


async def test_no_call_goes_out_on_a_connection_that_the_engine_may_be_closing(embedded: ChatModels) -> None:
    chat = embedded.get(NAME)
    assert isinstance(chat, EmbeddedChat)
    assert (await chat.endpoint()).headers["connection"] == "close"


async def test_the_time_limit_ends_a_long_answer(embedded: ChatModels, step: MakeStep) -> None:
    spec = step(NAME, max_tokens=400, timeout_s=0.3, extra={"ignore_eos": True})
    with pytest.raises(ProviderTimedOut):
        await embedded.complete(spec, [HumanMessage("Tell me a long story.")])


async def test_an_adapter_nobody_configured_is_refused(embedded: ChatModels, step: MakeStep) -> None:
    with pytest.raises(UnknownAdapter, match="'riddle'"):
        await embedded.complete(step(NAME, extra={"adapter": "riddle"}), [HumanMessage("hi")])


def test_the_engine_starts_once_wants_its_key_and_ends() -> None:
    engine = Engine(locate_gguf("smollm2-135m-instruct"), EngineSettings(parallel=1, context=256))
    addresses: list[str] = []
    threads = [threading.Thread(target=lambda: addresses.append(engine.start())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(addresses)) == 1
    assert addresses[0].startswith("http://127.0.0.1:")
    request = urllib.request.Request(addresses[0] + "/tokenize", b'{"content": "x"}')
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 401
    caught.value.close()
    engine.close()
    assert not engine.is_running
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(request)


_BRIEF_LIVES = """
from chains.models import EngineSettings
from chains.models.engine import Engine
from chains.models.gguf_location import DEFAULT_MODEL, locate_gguf

engine = Engine(locate_gguf(DEFAULT_MODEL), EngineSettings(parallel=1, context=256))
for _ in range(8):
    engine.start()
    engine.close()
"""


def test_an_engine_that_is_ended_as_soon_as_it_has_started_ends() -> None:
    subprocess.run([sys.executable, "-c", _BRIEF_LIVES], check=True, timeout=120)


def test_adapters_are_asked_for_by_number_and_the_others_are_off(tmp_path: Path) -> None:
    settings = EngineSettings(adapters={"riddle": tmp_path / "r.gguf", "summary": tmp_path / "s.gguf"})
    engine = Engine(locate_gguf("smollm2-135m-instruct"), settings)
    chat = EmbeddedChat.on(engine, provider_settings(ModelSettings(engine=settings), "embedded"), name="smollm2")
    asked = chat._get_request_payload("hi", adapter="summary", adapter_scale=0.5)
    plain = chat._get_request_payload("hi")
    assert asked["lora"] == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 0.5}]
    assert plain["lora"] == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 0.0}]
    assert not engine.is_running


@pytest.mark.local
async def test_an_adapter_changes_the_answers_that_ask_for_it_and_no_others(tmp_path: Path, step: MakeStep) -> None:
    file = _random_adapter(tmp_path / "noise.gguf")
    models = ChatModels(ModelSettings(engine=EngineSettings(parallel=1, context=256, adapters={"noise": file})))

    async def ask(**extra: Any) -> str:
        spec = step(NAME, max_tokens=8, temperature=0.0, timeout_s=60, extra=extra)
        return (await models.complete(spec, [HumanMessage("Who wrote Hamlet?")])).text

    plain = await ask()
    assert await ask(adapter="noise") != plain
    assert await ask(adapter="noise", adapter_scale=0.0) == plain
    assert await ask() == plain
    await models.aclose()


def _random_adapter(path: Path) -> Path:
    """A LoRA adapter of random weights on the first layers' attention."""
    gguf = pytest.importorskip("gguf")
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)
    for block in range(10):
        for part, shape in (("a", (4, 576)), ("b", (576, 4))):
            weights = random.normal(scale=0.3, size=shape).astype(np.float32)
            writer.add_tensor(f"blk.{block}.attn_q.weight.lora_{part}", weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_file_the_engine_cannot_load_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\x00" * 64)
    with pytest.raises(EngineNotStarted, match="broken"):
        Engine(broken, EngineSettings(parallel=1, context=256)).start()


class TestEmbedded(ChatModelIntegrationTests):
    """LangChain's own standard tests, on the real model."""

    @pytest.fixture
    def model(self, request: Any, embedded: ChatModels) -> Any:
        return embedded.get(NAME).model_copy(update={"max_tokens": 24})

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EmbeddedChat

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False

    @pytest.mark.xfail(reason="makes its model from the class alone; ours comes with an engine")
    def test_stop_sequence(self, model: BaseChatModel) -> None:
        super().test_stop_sequence(model)
