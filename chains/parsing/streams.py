"""Picks the riddle's text out of an answer while it is being written, and nothing else."""

from __future__ import annotations

from chains.parsing.labels import ends_draft, is_rule, match_label, may_become_special
from chains.parsing.sections import LONGEST_READ, Sections


class DraftStream:
    """Feed it an answer in pieces of any size; it gives back what belongs to the riddle, as early as is certain.

    Never text of the answer, the hints or the summary. The pieces joined, with `close()` at the end, are exactly the
    `riddle` that `parse_draft` reads from the whole text, when that text is a draft at all. The start of a line is
    held back while it may still become a label, white space until it is known not to end the line.
    """

    def __init__(self) -> None:
        self._sections = Sections()
        self._unread = LONGEST_READ
        self._head = ""  # start of a line, as long as it may become a label or a mark
        self._gap: list[str] = []  # white space that may turn out to end the line
        self._in_text = False  # the rest of this line is text, whatever it looks like
        self._started = False  # some riddle text was given out

    def feed(self, delta: str) -> str:
        """Take the next piece of the answer; return the riddle text that became certain by it."""
        out: list[str] = []
        first, *others = delta[: self._unread].split("\n")
        self._unread -= min(len(delta), self._unread)
        self._take(first, out)
        for piece in others:
            self._end_line(out)
            self._take(piece, out)
        return "".join(out)

    def close(self) -> str:
        """The answer is complete: return what was still held back."""
        out: list[str] = []
        self._end_line(out)
        return "".join(out)

    def _take(self, piece: str, out: list[str]) -> None:
        if self._sections.done:
            return
        visible = piece.strip()
        if not visible:
            self._gap.append(piece)
            return
        start = piece.index(visible)
        text = "".join([*self._gap, piece[:start], visible])
        self._gap = [piece[start + len(visible) :]]
        if self._in_text:
            self._emit(text, out)
        else:
            self._read_head((self._head + text).lstrip(), out, complete=False)

    def _end_line(self, out: list[str]) -> None:
        if self._head and not self._sections.done:
            self._read_head(self._head, out, complete=True)
        self._head = ""
        self._gap.clear()
        self._in_text = False

    def _read_head(self, head: str, out: list[str], *, complete: bool) -> None:
        self._head = ""
        start = 0
        while not self._sections.done and (label := match_label(head, start)):
            rest = label.rest(head)
            if not complete and rest == label.end and label.emphasis.startswith(head[rest:]) and label.emphasis:
                self._head = head[start:]
                return
            self._sections.enter(label.name)
            start = rest
        head = head[start:]
        if not head or self._sections.done:
            return
        if not complete and (may_become_special(head) or is_rule(head)):
            self._head = head
        elif ends_draft(head):
            self._sections.meet_mark()
            self._in_text = True  # what follows in this line is no new line, and a mark before all labels is chatter
        elif not is_rule(head):
            self._begin_text(head, out)

    def _begin_text(self, text: str, out: list[str]) -> None:
        self._in_text = True
        if self._started:
            text = "\n" + text
        self._emit(text, out)

    def _emit(self, text: str, out: list[str]) -> None:
        if self._sections.current == "riddle":
            self._started = True
            out.append(text)
