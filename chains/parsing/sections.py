"""Which part of a draft a line belongs to, one line after the other; the parser and the stream share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chains.parsing.labels import ends_draft, match_label

if TYPE_CHECKING:
    from chains.parsing.labels import Label, LabelName


LONGEST_READ: Final = 100_000
"""Characters of an answer that are read; what comes later is cut. A draft has a few hundred."""


class Sections:
    """Follows the labels of a draft.

    `current` is None before the first label: what stands there is chatter ("Sure, here is your riddle") and skipped.
    `done` is True after a mark, or after a second `Answer`, `Riddle` or `Summary`: the model has begun another draft.
    """

    def __init__(self) -> None:
        self.current: LabelName | None = None
        self.done = False
        self._seen: set[LabelName] = set()

    def enter(self, label: LabelName) -> None:
        """A label was read."""
        if label == "end" or (label != "hint" and label in self._seen):
            self.done = self.current is not None
            return
        self._seen.add(label)
        self.current = label

    def meet_mark(self) -> None:
        """A mark was read; before the first label it is part of the chatter."""
        self.done = self.current is not None

    def strip_labels(self, line: str) -> tuple[Label | None, str]:
        """Take all labels off the start of a whole line (`Riddle: Hint: x` begins both) and enter their sections.

        Returns:
            The last label taken, if any, and the text that is left, stripped.
        """
        text = line.strip()
        start, last = 0, None
        while not self.done and (label := match_label(text, start)):
            last = label
            self.enter(label.name)
            start = label.rest(text)
        rest = text[start:]
        if not self.done and ends_draft(rest):
            self.meet_mark()
        return last, rest
