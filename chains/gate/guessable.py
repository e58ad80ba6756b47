"""Guessable: the riddle is about its own story, not as much about any other one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from chains.gate.material import Finding, finding

if TYPE_CHECKING:
    from chains.gate.material import Material


@dataclass(frozen=True, slots=True)
class Guessable:
    """Catches a riddle that fits other news better than its own.

    Looks where the article comes when it and the examples most similar to it are ordered by their embeddings' likeness
    to the riddle. The score is the reciprocal of that rank, so of several candidates the most telling one wins.

    Cannot see: whether a person could work it out; an embedding only knows which words keep company.

    Args:
        max_guess_rank: The worst rank that passes; 0 lets all pass, so that the check only ranks candidates.
    """

    name: ClassVar[str] = "guessable"

    max_guess_rank: int = 0

    def __call__(self, material: Material) -> Finding:
        """Judge the rank that was worked out beforehand."""
        rank = material.guess_rank
        if rank is None:
            return Finding()
        reasons = []
        if 0 < self.max_guess_rank < rank:
            reasons.append("The riddle could as well be about other news.")
        return finding(reasons, score=1 / rank)
