"""Text that looks like a model's answer, well made and badly made, for property tests."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from hypothesis import strategies as st

from domain import Example

_PIECES = [
    *("Answer:", "answer :", "**Answer:**", "Riddle:", "RIDDLE\uff1a", "## Riddle:", "Hint:", "Hint 2:", "Hints:"),
    *(
        "- Hint (gentle):",
        "Summary:",
        "Article:",
        "Ans",
        "Riddle",
        "**",
        "*",
        "###",
        "[Article 4]",
        "[Summary Riddle 4]",
    ),
    *("<|im_end|>", "```", "---", " ", "  ", "\t", "\n", "\n", "\n\n", "\r\n", "the fog", "I creep", "1. ", "- ", '"'),
    *("\u201c", "\u201d", ".", ":", "\u200b", "\u202e", "\u2028", "\x0b", "é", "雾", "x" * 70, "-" * 70),
]

answers = st.lists(st.sampled_from(_PIECES), max_size=24).map("".join)
"""Labels, marks, white space and words in any order."""

likely_answers = st.builds(
    "{}\nAnswer: the fog\n{}\nRiddle:\n{}\nI creep on little feet\nHint: It is grey.".format, answers, answers, answers
)
"""The same around a draft, so that most of them parse."""


@cache
def shipped() -> tuple[Example, ...]:
    """The examples that ship with the package."""
    lines = (files("retrievers") / "data" / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Example(**{**json.loads(line), "hints": tuple(json.loads(line)["hints"])}) for line in lines)
