"""Values and errors everyone speaks. Knows nothing of prompts, models, storage or HTTP."""

from domain.article import Article
from domain.errors import RiddlewireError
from domain.example import Example
from domain.riddle import Check, Draft, Riddle, StepRecord, Timings
from domain.usage import Usage

__all__ = ["Article", "Check", "Draft", "Example", "Riddle", "RiddlewireError", "StepRecord", "Timings", "Usage"]
