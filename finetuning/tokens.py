"""Samples as token ids with labels: only the answer's tokens count in the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finetuning.sample import Sample

IGNORED: Final = -100
"""The label that PyTorch's cross entropy passes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """One sample as a model reads it.

    Args:
        input_ids: Prompt and answer, with the token that ends the answer.
        answer_tokens: How many of them, at the end, are the answer.
        step: Of the sample.
    """

    input_ids: tuple[int, ...]
    answer_tokens: int
    step: str = ""

    @property
    def length(self) -> int:
        """Tokens of all."""
        return len(self.input_ids)


def encode(sample: Sample, tokenizer: Any) -> Encoded:
    """A sample in the chat template of its model; a model without one gets the texts one after another.

    The prompt is encoded apart from the answer, as at run time, so that no token reaches over the seam.
    """
    prompt = [{"role": message.role, "content": message.content} for message in sample.messages]
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    else:
        text = "\n\n".join(message["content"] for message in prompt) + "\n"
    prompt_ids = tokenizer.encode(text, add_special_tokens=False)
    answer_ids = [*tokenizer.encode(sample.answer, add_special_tokens=False), tokenizer.eos_token_id]
    return Encoded(input_ids=(*prompt_ids, *answer_ids), answer_tokens=len(answer_ids), step=sample.step)


def shorter_than(samples: Sequence[Encoded], limit: int) -> list[Encoded]:
    """Those of at most `limit` tokens. A longer one is left out whole: half an article has another summary."""
    return [sample for sample in samples if sample.length <= limit]


def collate(samples: Sequence[Encoded], pad: int) -> dict[str, Any]:
    """A batch, padded on the left, so that all answers end together and logits are needed of their tokens alone.

    Returns:
        `input_ids`, `attention_mask` and `position_ids` of shape (samples, longest sample), and `labels` of shape
        (samples, longest answer).
    """
    import torch

    longest = max(sample.length for sample in samples)
    answer = max(sample.answer_tokens for sample in samples)
    input_ids = torch.full((len(samples), longest), pad, dtype=torch.long)
    attention_mask = torch.zeros((len(samples), longest), dtype=torch.long)
    labels = torch.full((len(samples), answer), IGNORED, dtype=torch.long)
    for row, sample in enumerate(samples):
        ids = torch.tensor(sample.input_ids, dtype=torch.long)
        input_ids[row, longest - sample.length :] = ids
        attention_mask[row, longest - sample.length :] = 1
        labels[row, answer - sample.answer_tokens :] = ids[-sample.answer_tokens :]
    position_ids = (attention_mask.cumsum(-1) - 1).clamp(min=0)
    return {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "position_ids": position_ids,
        "labels": labels,
    }
