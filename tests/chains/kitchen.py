"""A pipeline of two scripted steps over the shipped examples, for tests of what the pipeline itself does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chains import RiddlePipeline
from chains.models import ChatModels, ModelSettings
from chains.models.scripted import ScriptedChatModel
from domain import Article
from prompts import Catalog

if TYPE_CHECKING:
    from pathlib import Path

    from retrievers import Examples

ARTICLE = Article(
    title="Fog grounds flights at Lahore airport",
    text="Dense fog hid the runway at Lahore airport overnight. Flights were grounded until noon and hundreds of "
    "travellers slept beside luggage belts that did not move.\n\nThe weather office expects a clearer night.",
)
SUMMARY = "Dense fog hid the runway at Lahore airport, grounding flights while travellers slept beside luggage belts."
GOOD = (
    "Answer: thick fog\n"
    "Riddle:\n"
    "I weigh less than a feather, yet I held giants down.\n"
    "Nobody could see me come, and nobody could see past me.\n"
    "What am I?\n"
    "Hint: You can walk through me.\n"
    "Hint: A cloud that came down to the ground."
)
ELSEWHERE = GOOD.replace(
    "I weigh less than a feather, yet I held giants down.\nNobody could see me come, and nobody could see past me.",
    "Voters gave me to a party and the party gave me away.\nParliament counted me twice before the budget passed.",
)
LEAKING = GOOD.replace("I weigh less", "I am thick and weigh less")
NO_RIDDLE = "I am sorry, but I cannot help with that."

TWO_STEPS = """
name: kitchen
option: test
description: Two scripted steps.
model: scripted:summarizer
retrieval: {{k: 4, floor: 0.05, mmr_lambda: 0.7, candidates: 24}}
shot_token_share: 0.6
steps:
  - step: summarize
    prompt: summarize
    shots: {summary_shots}
    settings: {{max_tokens: 80}}
  - step: riddle
    prompt: riddle
    model: scripted:riddler
    fallbacks: [{fallbacks}]
    settings: {{max_tokens: 200}}
  - step: condense
    prompt: condense
    model: scripted:condenser
    settings: {{max_tokens: 60}}
gate: {{attempts: {attempts}, candidates: {candidates}{checks}}}
"""

ONE_STEP = """
name: kitchen
option: test
description: One scripted step.
model: scripted:riddler
retrieval: {k: 3, floor: 0.05, mmr_lambda: 0.7, candidates: 24}
shot_token_share: 0.6
steps:
  - step: summary_riddle
    prompt: summary-riddle
    settings: {max_tokens: 200}
gate: {attempts: 2, candidates: 1}
"""


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """A pipeline and the scripts of its models."""

    pipeline: RiddlePipeline
    models: ChatModels
    summarizer: ScriptedChatModel
    riddler: ScriptedChatModel
    spare: ScriptedChatModel
    condenser: ScriptedChatModel


def open_kitchen(
    home: Path,
    examples: Examples,
    *,
    attempts: int = 3,
    candidates: int = 1,
    summary_shots: int = 4,
    fallbacks: str = "",
    one_step: bool = False,
    checks: str = "",
    settings: ModelSettings | None = None,
    models: ChatModels | None = None,
    more: str = "",
) -> Kitchen:
    """Write the pipeline's file under `home`, with `more` at its end, and open it."""
    folder = home / "pipelines"
    folder.mkdir(parents=True, exist_ok=True)
    two_steps = TWO_STEPS.format(
        attempts=attempts,
        candidates=candidates,
        summary_shots=summary_shots,
        fallbacks=fallbacks,
        checks=f", checks: [{checks}]" if checks else "",
    )
    text = ONE_STEP if one_step else two_steps
    (folder / "kitchen.yaml").write_text(f"{text}\n{more}")
    models = models or ChatModels(settings)
    summarizer, riddler, spare, condenser = (ScriptedChatModel() for _ in range(4))
    for name, model in (
        ("summarizer", summarizer),
        ("riddler", riddler),
        ("spare", spare),
        ("condenser", condenser),
    ):
        models.put(f"scripted:{name}", model)
    pipeline = RiddlePipeline("kitchen", catalog=Catalog(home), examples=examples, models=models)
    return Kitchen(
        pipeline=pipeline,
        models=models,
        summarizer=summarizer,
        riddler=riddler,
        spare=spare,
        condenser=condenser,
    )
