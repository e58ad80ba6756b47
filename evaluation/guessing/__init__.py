"""How well guesses are judged: labelled guesses, and the calibration made from half of them."""

from evaluation.guessing.accuracy import Confusion, elsewhere, measure
from evaluation.guessing.calibrating import calibrate
from evaluation.guessing.labelled import Labelled, read_labelled

__all__ = ["Confusion", "Labelled", "calibrate", "elsewhere", "measure", "read_labelled"]
