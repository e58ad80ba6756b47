"""Training sets: the pipeline's own prompts, deduplicated, split by hash, without what the gate refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chains.recipe import Recipe
from finetuning.data_card import data_card
from finetuning.preparing import prepare
from finetuning.sample import read_samples, write_samples
from prompts import Catalog
from retrievers.shipped import read_shipped
from retrievers.splits import split_of

if TYPE_CHECKING:
    from pathlib import Path

    from domain import Example


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.read(Catalog(), "embedded")


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [replace(example, id=f"ex_{n}") for n, example in enumerate(read_shipped()[:40])]


def test_prompts_are_those_the_pipeline_sends_and_the_answer_is_the_persons(
    examples: list[Example], recipe: Recipe
) -> None:
    made = prepare(examples[:1], recipe)
    summary, riddle = made.samples
    step = recipe.riddle_step()
    rendered = step.prompt.render(step.values({"title": "", "article": "", "summary": examples[0].summary}))
    assert [message.content for message in riddle.messages] == [str(message.content) for message in rendered]
    assert [message.role for message in riddle.messages] == ["system", "user"]
    assert examples[0].article in summary.messages[-1].content
    assert summary.answer == examples[0].summary
    hints = [f"Hint: {hint}" for hint in examples[0].hints]
    assert riddle.answer.splitlines() == [
        f"Answer: {examples[0].answer}",
        "Riddle:",
        *examples[0].riddle.splitlines(),
        *hints,
    ]


def test_what_a_sample_teaches_parses_as_a_draft(examples: list[Example], recipe: Recipe) -> None:
    from chains.parsing import parse_draft

    for sample in prepare(examples, recipe, steps=("riddle",)).samples:
        parse_draft(sample.answer)


def test_the_split_goes_by_the_article_alone(examples: list[Example], recipe: Recipe) -> None:
    made = prepare(examples, recipe)
    splits = {sample.example_id: sample.split for sample in made.samples}
    assert splits == {
        each.id: split_of(replace(each, riddle="Another\nriddle.", topic="other"))
        for each in examples
        if each.id in splits
    }
    assert {"train", "dev"} == set(splits.values())


def test_about_fifteen_percent_of_the_shipped_examples_are_kept_aside() -> None:
    dev = [example for example in read_shipped() if split_of(example) == "dev"]
    assert len(dev) == 69
    assert len({example.topic for example in dev}) == 24


def test_the_same_article_or_riddle_trains_once(examples: list[Example], recipe: Recipe) -> None:
    first, second = examples[:2]
    made = prepare(
        [first, replace(second, article=first.article.upper()), replace(second, id="x", riddle=first.riddle)], recipe
    )
    assert len(made.samples) == 2
    reasons = sorted(reason for each in made.left_out for reason in each.reasons if reason.startswith("Another"))
    assert reasons == ["Another example has the same article.", "Another example has the same riddle."]


def test_what_the_gate_refuses_does_not_train_and_is_told(examples: list[Example], recipe: Recipe) -> None:
    leaking = replace(examples[0], riddle=f"I am {examples[0].answer},\nyes, I am that,\nwhat am I?")
    made = prepare([leaking], recipe)
    assert made.samples == ()
    assert "from the answer" in made.left_out[0].reasons[0]
    card = data_card(made, pipeline="embedded", prompts=["riddle@1"])
    assert leaking.headline in card
    assert "from the answer" in card


def test_shown_examples_stand_in_the_prompt(examples: list[Example], recipe: Recipe) -> None:
    made = prepare(examples[:1], recipe, shots=lambda _: examples[1:3], steps=("riddle",))
    (sample,) = made.samples
    assert sample.shown == ("ex_1", "ex_2")
    assert [message.role for message in sample.messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert examples[2].riddle in sample.messages[-2].content


def test_order_does_not_depend_on_the_stores(examples: list[Example], recipe: Recipe) -> None:
    assert prepare(examples, recipe).samples == prepare(reversed(examples), recipe).samples


def test_samples_come_back_from_their_file(examples: list[Example], recipe: Recipe, tmp_path: Path) -> None:
    samples = prepare(examples[:3], recipe).samples
    write_samples(tmp_path / "train.jsonl", samples)
    assert tuple(read_samples(tmp_path / "train.jsonl")) == samples


def test_the_card_counts(examples: list[Example], recipe: Recipe) -> None:
    card = data_card(prepare(examples, recipe), pipeline="embedded", prompts=["summarize@1", "riddle@1"])
    assert "`embedded` (summarize@1, riddle@1)" in card
    assert "| riddle | train |" in card
    assert card.count("\n## ") == 3
