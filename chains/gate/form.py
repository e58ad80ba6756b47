"""Form: what the model wrote does not look like a riddle."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from chains.gate.endings import breaks_off
from chains.gate.material import Finding, Material, Passages, finding, flat_short, share
from chains.words import content_words

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Form:
    """Catches prose, loops, fragments and echoes, which readers would take for a broken page.

    Lines and words of the riddle, words of each line, lines said twice, words of the answer and whether it breaks off,
    number and length of hints, passages repeated from prompt, summary or article, and a riddle that is the summary in
    another order.

    Cannot see: whether it rhymes, makes sense, or can be guessed.

    Args:
        min_lines: Fewest lines of the riddle.
        max_lines: Most lines of the riddle.
        min_words: Fewest words of the riddle.
        max_words: Most words of the riddle.
        max_line_words: Most words of one line; more is prose.
        min_answer_words: Fewest words of the answer.
        max_answer_words: Most words of the answer.
        min_hints: Fewest hints.
        max_hints: Most hints.
        max_hint_words: Most words of one hint.
        max_echoed_words: Longest run of words shared with a prompt message or the summary; four more with the article,
            because a riddle may quote.
        max_summary_share: How much of the riddle's content words may come from the summary, 0 to 1.
    """

    name: ClassVar[str] = "form"

    min_lines: int = 2
    max_lines: int = 6
    min_words: int = 8
    max_words: int = 58
    max_line_words: int = 16
    min_answer_words: int = 2
    max_answer_words: int = 7
    min_hints: int = 1
    max_hints: int = 4
    max_hint_words: int = 30
    max_echoed_words: int = 8
    max_summary_share: float = 0.75

    def __call__(self, material: Material) -> Finding:
        """Judge riddle, answer and hints."""
        reasons = [*self._shape(material), *self._answer(material), *self._hints(material), *self._echo(material)]
        telling = content_words(material.draft.riddle)
        return finding(reasons, score=1 - share(telling, content_words(material.summary)))

    def _shape(self, material: Material) -> Iterator[str]:
        lines = [line for line in material.draft.riddle.splitlines() if line.strip()]
        lengths = [count_words(line) for line in lines]
        if len(lines) < self.min_lines:
            yield f"The riddle has fewer than {self.min_lines} lines."
        if len(lines) > self.max_lines:
            yield f"The riddle has more than {self.max_lines} lines."
        if sum(lengths) < self.min_words:
            yield f"The riddle has fewer than {self.min_words} words."
        if sum(lengths) > self.max_words:
            yield f"The riddle has more than {self.max_words} words."
        if max(lengths, default=0) > self.max_line_words:
            yield "The riddle is prose: its lines are too long."
        if len({flat_short(line) for line in lines}) < len(lines):
            yield "The riddle says the same line twice."

    def _answer(self, material: Material) -> Iterator[str]:
        length = count_words(material.draft.answer)
        if not self.min_answer_words <= length <= self.max_answer_words:
            yield f"The answer does not have {self.min_answer_words} to {self.max_answer_words} words."
        elif breaks_off(material.draft.answer, article=material.facts.flat):
            yield "The answer breaks off."

    def _hints(self, material: Material) -> Iterator[str]:
        hints = material.draft.hints
        if len(hints) < self.min_hints:
            yield "There is no hint." if not hints else f"There are fewer than {self.min_hints} hints."
        if len(hints) > self.max_hints:
            yield f"There are more than {self.max_hints} hints."
        if any(not 0 < count_words(hint) <= self.max_hint_words for hint in hints):
            yield f"A hint is empty or has more than {self.max_hint_words} words."
        if len({flat_short(hint) for hint in hints}) < len(hints):
            yield "The same hint stands there twice."

    def _echo(self, material: Material) -> Iterator[str]:
        riddle = material.draft.riddle
        passages = Passages(riddle, self.max_echoed_words + 1)
        if passages.stand_in(flat_short(material.summary)):
            yield "The riddle repeats a passage of the summary."
        elif share(content_words(riddle), content_words(material.summary)) > self.max_summary_share:
            yield "The riddle is the summary in another order."
        elif any(passages.stand_in(flat_short(text)) for text in material.prompt_texts):
            yield "The riddle repeats a passage of the instructions."
        elif Passages(riddle, self.max_echoed_words + 1 + _QUOTATION).stand_in(material.facts.flat):
            yield "The riddle repeats a passage of the article."


def count_words(text: str) -> int:
    """Words of a text; in scripts without spaces between words every two letters count as one."""
    spaced = len(_SPACED.findall(text))
    if text.isascii():
        return spaced
    joined = sum(map(len, _UNSPACED.findall(text)))
    return spaced + max(math.ceil(joined / 2) - 1, 0)


_QUOTATION: Final = 4
_SPACED: Final = re.compile(r"[^\W_]\S*")
_UNSPACED: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]+"
)
