"""Riddles to play with, and readers who do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain import Article, StepRecord
from tests.support.riddles import a_riddle

if TYPE_CHECKING:
    import httpx

    from domain import Riddle
    from tests.service.http.conftest import Live

ANSWER = "a ferry stuck on the sandbank"
RIGHT = "the ferry that is stuck on a sandbank"
NEAR = "a ferry"
WRONG = "a presidential election"


def ferry(number: int = 0, **changes: Any) -> Riddle:
    """A riddle that the gate passes; another `number` is another article."""
    values: dict[str, Any] = {
        "article": Article(
            text=(
                f"The evening boat to Kelpie Island ran onto a sandbank on Sunday, the captain of boat {number} said. "
                "Its forty passengers waited for the tide and sang until the water came back at dawn. Nobody was hurt."
            ),
            title="Singing passengers wait for the tide",
            url=f"https://news.example/ferry/{number}",
            source="Kelpie Post",
        ),
        "summary": "A ferry ran onto a sandbank and its passengers sang all night until the tide set it free.",
        "riddle": "I carry many, yet tonight I carry none.\nMy road ran out beneath me with the sun.\n"
        "They hum until the moon gives back my way.\nWho sits where she should float till break of day?",
        "answer": ANSWER,
        "hints": ("Its way is usually wet.", "Something soft and yellow holds it."),
        "steps": (StepRecord(step="riddle", prompt="riddle@2", model="openai:small", example_ids=("ex_1",)),),
        "pipeline": "openai",
    }
    return a_riddle(number, **{**values, **changes})


def stored(live: Live, riddle: Riddle | None = None, tenant: str | None = None) -> str:
    """Keep a riddle; its path."""
    return f"/v1/riddles/{live.resources.riddles.save(riddle or ferry(), tenant=tenant).id}"


def guess(live: Live, path: str, text: str, **more: Any) -> httpx.Response:
    """Guess as a reader of a key: `headers` are the key's, all else goes into the body."""
    headers = more.pop("headers", {})
    return live.post(f"{path}/guesses", json={"guess": text, **more}, headers=headers)
