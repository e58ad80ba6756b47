"""Judges whether a reader's guess names what a riddle hides. Knows no readers, no HTTP and no SQL."""

from chains.guessing.judge import Calibration, GuessJudge, Judgement, Step, Verdict
from chains.guessing.reading import fingerprint
from chains.guessing.secret import Secret
from chains.guessing.signs import Signs

__all__ = [
    "Calibration",
    "GuessJudge",
    "Judgement",
    "Secret",
    "Signs",
    "Step",
    "Verdict",
    "fingerprint",
]
