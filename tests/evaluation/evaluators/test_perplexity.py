"""Perplexity of reference riddles."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chains.models.generation import load_causal_model
from domain.errors import UnknownModelName
from evaluation.evaluators import Likelihood, Perplexity
from evaluation.evaluators.perplexity import answer_text
from prompts import Catalog
from tests.evaluation.evaluators.makers import a_case

if TYPE_CHECKING:
    from pathlib import Path

CASE = a_case()


class Letters:
    """A tokenizer with a token for each byte."""

    chat_template = None
    bos_token = None

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": list(text.encode())}


class Guesses:
    """A model that gives every byte but one the same logit, and remembers what it read."""

    device = "cpu"

    def __init__(self, window: int | None = None, favourite: int = 0, logit: float = 0.0) -> None:
        self.config = SimpleNamespace(max_position_embeddings=window)
        self.read: list[int] = []
        self._favourite, self._logit = favourite, logit

    def __call__(self, input_ids: Any) -> Any:
        import torch

        self.read = input_ids[0].tolist()
        logits = torch.zeros(1, input_ids.shape[1], 256)
        logits[..., self._favourite] = self._logit
        return SimpleNamespace(logits=logits)


def perplexity(model: Guesses) -> Perplexity:
    return Perplexity(load=lambda: (model, Letters()))


@pytest.mark.local
def test_a_model_that_guesses_has_the_perplexity_of_its_vocabulary() -> None:
    scores = perplexity(Guesses())(CASE)
    assert scores["perplexity"].value == pytest.approx(256, rel=1e-4)
    assert scores["bits_per_byte"].value == pytest.approx(8, rel=1e-4)


@pytest.mark.local
def test_only_the_answer_counts_and_every_token_of_it() -> None:
    # a model sure of "z" is wrong at every byte but those: the prompt has none, the answer two
    case = replace(CASE, summary="no such letter", answer="zz", riddle="a", hints=())
    logit = 5.0
    found = perplexity(Guesses(favourite=ord("z"), logit=logit)).likelihood(case)
    assert found is not None
    total = math.log(255 + math.exp(logit))
    assert found.tokens == found.size == len(answer_text(case))
    assert found.nats == pytest.approx(found.tokens * total - 2 * logit, rel=1e-5)


@pytest.mark.local
def test_the_prompt_holds_the_summary_and_comes_first() -> None:
    model = Guesses()
    perplexity(model)(CASE)
    text = bytes(model.read).decode()
    assert text.endswith("\n\n" + answer_text(CASE))
    assert CASE.summary is not None
    assert CASE.summary in text


@pytest.mark.local
def test_what_does_not_fit_the_window_is_unscored() -> None:
    score = perplexity(Guesses(window=50))(CASE)["perplexity"]
    assert score.value is None
    assert "window" in score.reason


@pytest.mark.parametrize("missing", ["summary", "answer", "riddle"])
def test_a_case_without_references_is_unscored_and_loads_nothing(missing: str) -> None:
    def load() -> Any:
        raise AssertionError

    scores = Perplexity(load=load)(replace(CASE, **{missing: None}))  # type: ignore[arg-type]
    assert all(score.value is None and score.reason for score in scores.values())


def test_a_datasets_figure_weighs_tokens() -> None:
    long, short = Likelihood(nats=90 * math.log(2), tokens=90, size=180), Likelihood(nats=0, tokens=10, size=20)
    both = long + short
    assert both.perplexity == pytest.approx(2**0.9)
    assert both.bits_per_byte == pytest.approx(0.45)


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a one-layer Llama of random weights, a tokenizer of bytes, and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-llama")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    fast.chat_template = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[assistant]"
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=256, max_position_embeddings=2048, **shape)).save_pretrained(folder)
    return folder


@pytest.mark.local
def test_a_model_from_a_folder_is_measured_as_it_measures_itself(tiny_model: Path) -> None:
    import torch

    model, tokenizer = load_causal_model(str(tiny_model), threads=1)
    found = Perplexity(load=lambda: (model, tokenizer)).likelihood(CASE)
    said = Catalog().prompt("riddle").render({"summary": CASE.summary or ""})
    asked = "".join(f"[{ {'human': 'user'}.get(message.type, message.type) }]{message.text}" for message in said)
    before = tokenizer(f"{asked}[assistant]")["input_ids"]
    ids = torch.tensor([before + tokenizer(answer_text(CASE))["input_ids"]])
    labels = ids.clone()
    labels[0, : len(before)] = -100  # what transformers leaves out of its own loss
    with torch.inference_mode():
        loss = float(model(input_ids=ids, labels=labels).loss)
    assert found is not None
    assert found.perplexity == pytest.approx(math.exp(loss), rel=1e-4)


@pytest.mark.local
def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelName, match="nothing-here"):
        load_causal_model(str(tmp_path / "nothing-here"))
