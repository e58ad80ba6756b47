"""Copying: the riddle is an example's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from chains.gate.material import Finding, Material, Passages, finding, flat_short, share
from chains.words import content_words, words

if TYPE_CHECKING:
    from domain import Example


@dataclass(frozen=True, slots=True)
class Copying:
    """Catches a riddle taken from an example in the prompt, which is about other news: the favourite of small models.

    The longest run of words shared with an example's riddle, the share of content words that are an example's, and an
    example's answer that has nothing to do with the article.

    Cannot see: copies of examples that were not shown, and of riddles the model learnt elsewhere.

    Args:
        max_copied_words: Longest run of words shared with one example's riddle.
        max_copied_share: How much of the riddle's content words may stand in one example's riddle, 0 to 1.
    """

    name: ClassVar[str] = "copying"

    max_copied_words: int = 6
    max_copied_share: float = 0.5

    def __call__(self, material: Material) -> Finding:
        """Judge riddle and answer."""
        riddle = material.draft.riddle
        passages = Passages(riddle, self.max_copied_words + 1)
        telling = content_words(riddle)
        others = [example.riddle for example in material.examples]
        most = max((share(telling, content_words(other)) for other in others), default=0.0)
        reasons: list[str] = []
        if most > self.max_copied_share or any(passages.stand_in(flat_short(other)) for other in others):
            reasons.append("The riddle is copied from an example.")
        if any(_takes_answer(material, example) for example in material.examples):
            reasons.append("The answer is copied from an example and not about this article.")
        return finding(reasons, score=1 - most)


def _takes_answer(material: Material, example: Example) -> bool:
    if words(material.draft.answer) != words(example.answer):
        return False
    return not any(material.facts.mentions(word) for word in content_words(example.answer))
