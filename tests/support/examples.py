"""Examples for tests."""

from __future__ import annotations

from typing import Any

from domain import Example

STORIES = {
    "sea": "A ferry full of oranges ran aground on the sandbank near the harbour and the crew threw fruit to children.",
    "sky": "Astronomers watched a comet break apart above the desert observatory and counted eleven bright fragments.",
    "food": "The village baker baked the longest loaf of bread ever measured, and the butcher made the sausage for it.",
    "sport": "The goalkeeper scored in the last minute of extra time and the club won its first cup in a century.",
    "court": "A judge ruled that the parrot may stay with its owner although it insults the neighbours every morning.",
    "rail": "The night train stopped in a tunnel for six hours while the driver looked for his lost glasses.",
}


def an_example(topic: str = "sea", number: int = 0, **fields: Any) -> Example:
    """A small example; another `number` is another content about nearly the same."""
    values: dict[str, Any] = {
        "article": f"{STORIES[topic]} It was story number {number}.",
        "summary": f"Summary {number} of a story about the {topic}.",
        "answer": f"the {topic} story",
        "riddle": "Who am I?\nNobody knows.",
        "headline": f"Headline {number} about the {topic}",
        "topic": topic,
        "hints": ("Think.", "Think harder."),
    }
    return Example(**{**values, **fields})
