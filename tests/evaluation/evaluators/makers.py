"""Cases, outcomes and pools for tests of evaluators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chains.models import ChatModels
from chains.models.scripted import ScriptedChatModel
from domain import Article, Example, Riddle, StepRecord
from evaluation.case import Case
from evaluation.evaluators import Asker, Pool
from evaluation.outcome import Outcome
from retrievers import load_embeddings
from tests.support.examples import STORIES

if TYPE_CHECKING:
    from domain.events import ShownExample

EMBEDDINGS = load_embeddings()

RIDDLES = {
    "sea": "I carried oranges and met the sand;\nthe harbour children held out a hand.\nWhich ship am I?",
    "sky": "A tail of ice that wandered far,\nI fell to pieces like a star.\nThe telescope counted my parts.",
    "food": "Flour and water, longer than a street,\nI left the oven for a village to eat.\nWhat bread was I?",
    "sport": "The hands that guard became the feet that score;\nthe club had never raised the cup before.",
    "court": "My feathers stay, my beak may curse;\nthe bench has ruled on birds and worse.",
    "rail": "Asleep on rails beneath the hill,\nwe searched for lenses, standing still.",
}


def a_case(topic: str = "sea", **fields: Any) -> Case:
    """A case about one of the stories, with all references."""
    values: dict[str, Any] = {
        "id": topic,
        "article": Article(text=STORIES[topic], title=f"News of the {topic}"),
        "topic": topic,
        "summary": STORIES[topic],
        "answer": "the hidden thing",
        "riddle": RIDDLES[topic],
        "hints": ("Think.",),
    }
    return Case(**{**values, **fields})


def a_pool(*cases: Case, examples: tuple[Example, ...] = ()) -> Pool:
    """A pool of these cases, by default one of every story."""
    made = cases or tuple(map(a_case, STORIES))
    return Pool(
        cases={case.id: case for case in made},
        examples={example.id: example for example in examples},
        embeddings=EMBEDDINGS,
    )


def an_outcome(case: Case | None = None, *, selected: tuple[ShownExample, ...] = (), **fields: Any) -> Outcome:
    """What a pipeline made of a case: by default its reference; `fields` are the riddle's."""
    of = case or a_case()
    values: dict[str, Any] = {
        "article": of.article,
        "status": "published",
        "pipeline": "embedded",
        "summary": of.summary,
        "riddle": of.riddle,
        "answer": of.answer,
        "hints": of.hints,
    }
    riddle = Riddle(**{**values, **fields})
    return Outcome(
        case_id=of.id, pipeline=riddle.pipeline, repeat=0, seed=0, riddle=riddle, selected=selected, latency_ms=12.5
    )


def saying(text: str | None, **fields: Any) -> Outcome:
    """An outcome with that riddle text."""
    return an_outcome(riddle=text, **fields)


FAILED = Outcome(case_id="sea", pipeline="embedded", repeat=0, seed=0, error="the provider is down")


def a_step(*example_ids: str, model: str = "openai:small") -> StepRecord:
    """The record of a riddle step that was shown these examples."""
    return StepRecord(step="riddle", prompt="riddle@1", model=model, example_ids=example_ids)


def scripted(*replies: Any, **fields: Any) -> tuple[ScriptedChatModel, Asker]:
    """A model that says these things in order, and an asker that asks it."""
    model, models = ScriptedChatModel(), ChatModels()
    model.enqueue(*replies)
    models.put("scripted:judge", model)
    return model, Asker(models=models, model="scripted:judge", **fields)
