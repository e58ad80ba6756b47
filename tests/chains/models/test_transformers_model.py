"""Local transformers models, with a tiny one of random weights: it babbles, but as a real one would."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from chains.models import ChatModels
from chains.models.transformers_model import TransformersChat
from domain.errors import MissingExtra, ProviderBadAnswer, ProviderTimedOut, UnknownModelName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from langchain_core.language_models import BaseChatModel

    from prompts.pipeline import StepSpec

    MakeStep = Callable[..., StepSpec]

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = ["the bridge is open again after a long winter", "who am I? a riddle of stone and water", "###", "Answer: Hint:"]

local = pytest.mark.local
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the extra 'local' is not installed")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer Llama of random weights and a tokenizer trained on a few words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-llama")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXT, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, eos_token_id=None, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def chat(tiny_model: Path) -> TransformersChat:
    return TransformersChat.load(str(tiny_model), threads=1)


def test_without_torch_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"riddlewire\[local\]"):
        ChatModels().get("transformers:smollm2-135m-instruct")


@local
@needs_torch
def test_a_model_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in (str(tmp_path), "no/such-model"):
        with pytest.raises(UnknownModelName, match="transformers:"):
            ChatModels().get(f"transformers:{name}")


@local
@needs_torch
async def test_a_step_is_answered_with_exact_usage_at_no_cost(tiny_model: Path, step: MakeStep) -> None:
    models = ChatModels()
    name = f"transformers:{tiny_model}"
    completion = await models.complete(step(name, max_tokens=12, seed=1, timeout_s=60), [HumanMessage("the bridge")])
    assert completion.usage.input_tokens == models.count_tokens(name, "the bridge")
    assert completion.usage.output_tokens == 12
    assert completion.usage.cost_usd == 0.0
    assert completion.finish_reason == "length"
    assert models.window(name) == 256


@local
@needs_torch
def test_the_same_seed_gives_the_same_text_and_another_seed_another(chat: TransformersChat) -> None:
    settings: dict[str, Any] = {"temperature": 1.0, "max_tokens": 24}
    first, again, other = (chat.invoke("the bridge", seed=seed, **settings).content for seed in (7, 7, 8))
    assert first == again != other


@local
@needs_torch
def test_temperature_zero_takes_the_likeliest_token(chat: TransformersChat) -> None:
    settings: dict[str, Any] = {"temperature": 0, "max_tokens": 16, "top_p": 0.5}
    assert chat.invoke("the", seed=1, **settings).content == chat.invoke("the", seed=2, **settings).content


@local
@needs_torch
async def test_streamed_pieces_add_up_to_the_whole_answer(chat: TransformersChat) -> None:
    settings: dict[str, Any] = {"seed": 3, "max_tokens": 24}
    whole = chat.invoke("the bridge", **settings)
    chunks = [chunk async for chunk in chat.astream("the bridge", **settings)]
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert "".join(chunk.text for chunk in chat.stream("the bridge", **settings)) == whole.text
    assert len([chunk for chunk in chunks if chunk.text]) > 3
    assert any(chunk.usage_metadata == whole.usage_metadata for chunk in chunks)


@local
@needs_torch
def test_a_stop_text_ends_the_answer_before_it(chat: TransformersChat) -> None:
    settings: dict[str, Any] = {"seed": 3, "max_tokens": 60}
    whole = chat.invoke("the bridge", **settings).text
    stop = whole[10:13]
    cut = chat.invoke("the bridge", stop=[stop], **settings)
    assert cut.text == whole[: whole.index(stop)]
    assert cut.response_metadata["finish_reason"] == "stop"
    assert cut.usage_metadata is not None
    assert cut.usage_metadata["output_tokens"] < 60


@local
@needs_torch
def test_one_human_message_is_continued_as_it_stands_and_several_go_through_the_template(
    chat: TransformersChat,
) -> None:
    several = [SystemMessage("be brief"), HumanMessage("q"), AIMessage("a"), HumanMessage("q2")]
    assert chat._prompt([HumanMessage("[Article 1]")], {}) == "[Article 1]"
    assert chat._prompt(several, {}).startswith("<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nq")
    assert chat._prompt(several, {}).endswith("<|im_start|>assistant\n")
    assert chat._prompt([HumanMessage("q")], {"chat_template": "always"}).startswith("<|im_start|>user")
    assert chat._prompt(several, {"chat_template": "never"}) == "be brief\n\nq\n\na\n\nq2"


@local
@needs_torch
def test_a_prompt_longer_than_the_window_is_refused(chat: TransformersChat) -> None:
    with pytest.raises(ProviderBadAnswer, match="exceed the window of 256"):
        chat.invoke("winter " * 300)


@local
@needs_torch
def test_the_time_limit_holds(chat: TransformersChat) -> None:
    with pytest.raises(ProviderTimedOut):
        chat.invoke("the bridge", max_tokens=200, timeout=0.01)


@local
@needs_torch
async def test_a_cancelled_call_stops_generating(chat: TransformersChat, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    generate = chat._generator.generate

    def watched(*args: Any) -> Any:
        try:
            return generate(*args)
        finally:
            stopped.set()

    monkeypatch.setattr(chat._generator, "generate", watched)
    task = asyncio.create_task(chat.ainvoke("the bridge", max_tokens=240))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(stopped.wait, 30)
    assert time.monotonic() - started < 30


@local
@needs_torch
class TestTransformers(ChatModelIntegrationTests):
    @pytest.fixture
    def model(self, request: Any, tiny_model: Path) -> Any:
        return TransformersChat.load(str(tiny_model), threads=1, max_tokens=12)

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return TransformersChat

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False

    @pytest.mark.xfail(reason="makes its model from the class alone; ours is loaded from a folder")
    def test_stop_sequence(self, model: BaseChatModel) -> None:
        super().test_stop_sequence(model)
