"""Judges whether a reader's guess names what a riddle hides. Knows no readers, no HTTP and no SQL."""

from chains.guessing.judge import SHIPPED, Calibration, GuessJudge, Judgement, Step, Verdict
from chains.guessing.reading import LONGEST_GUESS, fingerprint
from chains.guessing.secret import Secret
from chains.guessing.signs import Signs

__all__ = [
    "LONGEST_GUESS",
    "SHIPPED",
    "Calibration",
    "GuessJudge",
    "Judgement",
    "Secret",
    "Signs",
    "Step",
    "Verdict",
    "fingerprint",
]
