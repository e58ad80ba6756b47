from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage

from chains.models import ChatModels, ModelSettings
from chains.models.journal import Journal, journaled
from chains.models.scripted import ScriptedChatModel
from prompts.pipeline import ModelCallSpec, StepSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Paper:
    """A journal that stays when the work is done over."""

    def __init__(self) -> None:
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.is_mine = True

    async def check(self) -> None:
        if not self.is_mine:
            raise PermissionError

    async def read(self, key: str) -> list[dict[str, Any]] | None:
        return self.notes.get(key)

    async def write(self, notes: Mapping[str, list[dict[str, Any]]]) -> None:
        self.notes = {**notes, **self.notes}


STEP = StepSpec(step="riddle", prompt="riddle", model="scripted:one", settings=ModelCallSpec(max_tokens=10))


def models(*answers: str) -> ChatModels:
    made = ChatModels(ModelSettings())
    model = ScriptedChatModel()
    model.enqueue(*answers)
    made.put("scripted:one", model)
    return made


async def ask(chat: ChatModels, paper: Paper, *questions: str) -> list[str]:
    """The answers of one run."""
    with journaled(Journal(paper)):
        return [(await chat.complete(STEP, [HumanMessage(question)])).text for question in questions]


async def test_work_that_is_done_over_gets_the_answers_it_has_paid_for() -> None:
    paper = Paper()
    first = await ask(models("a", "b"), paper, "one", "two")
    assert first == ["a", "b"]
    assert await ask(models("c"), paper, "two", "one", "three") == ["b", "a", "c"]


async def test_the_same_question_twice_in_a_run_is_two_calls_and_each_keeps_its_answer() -> None:
    paper = Paper()
    assert await ask(models("a", "b"), paper, "one", "one") == ["a", "b"]
    assert await ask(models(), paper, "one", "one") == ["a", "b"]


async def test_an_answer_is_noted_before_anybody_sees_it() -> None:
    paper = Paper()
    seen: list[int] = []

    class Watching(Paper):
        async def write(self, notes: Mapping[str, list[dict[str, Any]]]) -> None:
            seen.append(len(seen))
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await ask(models("a"), Watching(), "one")
    assert seen == [0]
    assert paper.notes == {}


async def test_work_that_is_somebody_elses_by_now_asks_no_model() -> None:
    paper = Paper()
    paper.is_mine = False
    with pytest.raises(PermissionError):
        await ask(models("a"), paper, "one")


async def test_a_noted_answer_reaches_those_who_listen_in_one_piece() -> None:
    paper = Paper()
    await ask(models("a riddle"), paper, "one")
    pieces: list[str] = []

    async def hear(text: str) -> None:
        pieces.append(text)

    with journaled(Journal(paper)):
        completion = await models().complete(STEP, [HumanMessage("one")], on_delta=hear)
    assert pieces == ["a riddle"]
    assert completion.streamed
    assert completion.usage.calls == 1


class Choice:
    """What a run shows to a model: what is the nearest at that moment, while it may be shown."""

    def __init__(self) -> None:
        self.nearest = "fog"
        self.removed: set[str] = set()
        self.decided = 0

    async def decide(self) -> str:
        self.decided += 1
        return self.nearest

    async def restore(self, noted: list[dict[str, Any]]) -> str | None:
        return None if noted[0]["shown"] in self.removed else str(noted[0]["shown"])

    async def asked(self, paper: Paper, chat: ChatModels) -> list[str]:
        """What a run of two calls asks; the second shows what was chosen."""
        journal = Journal(paper)
        with journaled(journal):
            shown = await journal.decided(
                "of this article", self.decide, note=lambda shown: [{"shown": shown}], restore=self.restore
            )
            return [shown, *[(await chat.complete(STEP, [HumanMessage(question)])).text for question in ("one", shown)]]


async def test_work_that_is_done_over_asks_with_what_was_chosen_before_it_paid() -> None:
    paper, choice = Paper(), Choice()
    assert await choice.asked(paper, models("a", "b")) == ["fog", "a", "b"]
    choice.nearest = "rain"
    assert await choice.asked(paper, models()) == ["fog", "a", "b"]
    assert choice.decided == 1


async def test_a_choice_that_no_answer_followed_is_made_anew() -> None:
    paper, choice = Paper(), Choice()
    paper.is_mine = False
    with pytest.raises(PermissionError):
        await choice.asked(paper, models("a"))
    paper.is_mine, choice.nearest = True, "rain"
    assert await choice.asked(paper, models("a", "b")) == ["rain", "a", "b"]


async def test_a_choice_that_cannot_stand_is_made_anew_and_the_new_one_is_kept() -> None:
    paper, choice = Paper(), Choice()
    await choice.asked(paper, models("a", "b"))
    choice.removed, choice.nearest = {"fog"}, "rain"
    assert await choice.asked(paper, models("c", "d")) == ["rain", "a", "c"]
    choice.nearest = "snow"
    assert await choice.asked(paper, models()) == ["rain", "a", "c"]


async def test_answers_that_were_noted_before_are_counted_and_choices_are_not() -> None:
    paper, choice, found = Paper(), Choice(), 0

    def count() -> None:
        nonlocal found
        found += 1

    await choice.asked(paper, models("a", "b"))
    journal = Journal(paper, on_found=count)
    await journal.decided("of this article", choice.decide, note=lambda _: [], restore=choice.restore)
    with journaled(journal):
        await models().complete(STEP, [HumanMessage("one")])
    assert found == 1
