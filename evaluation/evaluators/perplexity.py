"""Perplexity: how surprised a local language model is by the riddles that people wrote."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from chains.parsing import render_draft
from domain import Draft
from evaluation.evaluators.scoring import unscored
from evaluation.metric import Metric, Score
from prompts import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluation.case import Case
    from prompts import Prompt

_BLIND = "Whether what the model would write itself is any good."


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """How likely a text is to a model; add them up with `+` for the figure of a whole dataset.

    Args:
        nats: Negative log likelihood of all tokens together, natural logarithm.
        tokens: Tokens of the text.
        size: Bytes of the text in UTF-8.
    """

    nats: float = 0.0
    tokens: int = 0
    size: int = 0

    @property
    def perplexity(self) -> float:
        """Per token; models with different tokenizers do not compare."""
        return math.exp(self.nats / self.tokens)

    @property
    def bits_per_byte(self) -> float:
        """Compares models with different tokenizers, too."""
        return self.nats / math.log(2) / self.size

    def __add__(self, other: Likelihood) -> Likelihood:
        """Of both texts."""
        return Likelihood(nats=self.nats + other.nats, tokens=self.tokens + other.tokens, size=self.size + other.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Perplexity:
    """How well a model predicts the reference answer (answer, riddle and hints) of a case, after the riddle prompt.

    The prompt holds the reference summary and no examples. A case's score is its own; for the figure of a dataset add
    up `likelihood` of its cases, because the mean of perplexities is ruled by a few short texts.

    Source: F. Jelinek et al., "Perplexity: a measure of the difficulty of speech recognition tasks", 1977; bits per
    byte as L. Gao et al., "The Pile", 2020, compare models with different tokenizers.
    Cannot see: whether what the model would write itself is any good; a model that has seen the references knows them.

    Args:
        load: Gives a `transformers` causal language model and its tokenizer; called once, when first needed.
        prompt: Takes the variable `summary`.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="perplexity",
            title="Perplexity",
            group="language model",
            unit="score",
            better="lower",
            about="Perplexity per token of the reference riddle, given the prompt with the reference summary.",
            blind_to=f"{_BLIND} Other tokenizers do not compare.",
        ),
        Metric(
            name="bits_per_byte",
            title="Bits per byte",
            group="language model",
            unit="score",
            better="lower",
            about="Bits that the model needs for a byte of the reference riddle.",
            blind_to=_BLIND,
        ),
    )

    load: Callable[[], tuple[Any, Any]]
    prompt: Prompt = field(default_factory=lambda: Catalog().prompt("riddle"))
    _loaded: list[tuple[Any, Any]] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __call__(self, case: Case) -> dict[str, Score]:
        """Score one case. Blocks while the model computes."""
        if not (case.summary and case.answer and case.riddle):
            return unscored(self.metrics, "the case has no reference summary, answer and riddle")
        found = self.likelihood(case)
        if found is None:
            return unscored(self.metrics, "the reference does not fit the model's window")
        return {"perplexity": Score(found.perplexity), "bits_per_byte": Score(found.bits_per_byte)}

    def likelihood(self, case: Case) -> Likelihood | None:
        """Of a case's reference answer; None when it does not fit the window."""
        import torch

        model, tokenizer = self._model()
        asked = _tokens_of_prompt(self._asked(case, tokenizer), tokenizer)
        answer = answer_text(case)
        wanted = tokenizer(answer, add_special_tokens=False)["input_ids"]
        if len(asked) + len(wanted) > (getattr(model.config, "max_position_embeddings", None) or math.inf):
            return None
        ids = torch.tensor([[*asked, *wanted]], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=ids).logits[0, len(asked) - 1 : -1].float()
            nats = torch.nn.functional.cross_entropy(logits, ids[0, len(asked) :], reduction="sum")
        return Likelihood(nats=float(nats), tokens=len(wanted), size=len(answer.encode()))

    def _model(self) -> tuple[Any, Any]:
        with self._lock:
            if not self._loaded:
                self._loaded.append(self.load())
        return self._loaded[0]

    def _asked(self, case: Case, tokenizer: Any) -> str:
        messages = self.prompt.render({"summary": case.summary or ""})
        if not tokenizer.chat_template:
            return "\n\n".join(message.text for message in messages) + "\n\n"
        said = [{"role": _ROLES[message.type], "content": message.text} for message in messages]
        return str(tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True))


def answer_text(case: Case) -> str:
    """A case's reference in the labelled form that models are asked for."""
    return render_draft(Draft(answer=case.answer or "", riddle=case.riddle or "", hints=case.hints))


def _tokens_of_prompt(text: str, tokenizer: Any) -> list[int]:
    """With the token that texts begin with, once: a rendered template may bring it."""
    first = tokenizer.bos_token
    begun = bool(first) and text.startswith(first)
    ids: list[int] = tokenizer(text, add_special_tokens=not begun)["input_ids"]
    return ids


_ROLES = {"human": "user", "ai": "assistant", "system": "system"}
