"""The data card: what stands in a training set, for whoever has to trust what was trained on it."""

from __future__ import annotations

from collections import Counter
from statistics import mean
from typing import TYPE_CHECKING

from chains.gate.form import count_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from finetuning.preparing import TrainingSet
    from finetuning.sample import Sample


def data_card(made: TrainingSet, *, pipeline: str, prompts: Sequence[str]) -> str:
    """Markdown: counts, lengths, topics, and what was left out for which reason.

    Args:
        made: The set.
        pipeline: Whose prompts were rendered.
        prompts: Those, as `name@version`.
    """
    return "\n".join(_lines(made, pipeline, prompts)) + "\n"


def _lines(made: TrainingSet, pipeline: str, prompts: Sequence[str]) -> Iterator[str]:
    examples = {sample.example_id: sample.split for sample in made.samples}
    splits = Counter(examples.values())
    yield "# Training set"
    yield ""
    yield f"Prompts of the pipeline `{pipeline}` ({', '.join(prompts)}) with the answers people wrote."
    yield f"{splits['train']} examples train and {splits['dev']} measure; the split goes by the hash of the article, so"
    yield "an example stays on its side for good. Only the answers count in the loss."
    yield ""
    yield "## Samples"
    yield ""
    yield "| step | split | samples | with shots | words of prompt, mean (longest) | words of answer, mean (longest) |"
    yield "|---|---|---:|---:|---:|---:|"
    for step in sorted({sample.step for sample in made.samples}):
        for split in ("train", "dev"):
            if samples := [each for each in made.of(split) if each.step == step]:
                yield _row(step, split, samples)
    yield ""
    yield "## Topics"
    yield ""
    yield "| topic | train | dev |"
    yield "|---|---:|---:|"
    by_topic = Counter((made.topics.get(example_id) or "none", split) for example_id, split in examples.items())
    for topic in sorted({topic for topic, _ in by_topic}):
        yield f"| {_cell(topic)} | {by_topic[topic, 'train']} | {by_topic[topic, 'dev']} |"
    yield ""
    yield "## Left out"
    yield ""
    if not made.left_out:
        yield "Nothing."
    for each in made.left_out:
        yield f"- {_cell(each.headline or each.example_id)}: {_cell(' '.join(each.reasons))}"


def _row(step: str, split: str, samples: Sequence[Sample]) -> str:
    prompts = [sum(count_words(message.content) for message in sample.messages) for sample in samples]
    answers = [count_words(sample.answer) for sample in samples]
    shots = sum(bool(sample.shown) for sample in samples)
    lengths = " | ".join(f"{mean(counts):.0f} ({max(counts)})" for counts in (prompts, answers))
    return f"| {step} | {split} | {len(samples)} | {shots} | {lengths} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
