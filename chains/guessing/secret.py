"""What a guess is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What a riddle hides, and what every reader sees of it.

    Args:
        answer: What is to be guessed; not blank.
        summary: Of the article: a guess that names the story is right, whatever words the answer uses.
        title: Of the article; may be empty. It names the story, too.
        riddle: Its words prove nothing: readers have them before them.
        hints: Those that readers see. Passages of them prove nothing. Single words do, for whoever needs a hint still
            has to understand it.
    """

    answer: str
    summary: str = ""
    title: str = ""
    riddle: str = ""
    hints: tuple[str, ...] = ()
