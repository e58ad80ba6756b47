"""Judges what a model wrote, in code and always in the same way. Knows nothing of models."""

from chains.gate.gate import Gate, UnknownCheck, Verdict
from chains.gate.material import ArticleFacts

__all__ = ["ArticleFacts", "Gate", "UnknownCheck", "Verdict"]
