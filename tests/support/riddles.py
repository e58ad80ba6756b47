"""Riddles as pipelines make them, for tests of what happens to them afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from domain import Article, Check, Riddle, StepRecord, Timings, Usage


def a_riddle(number: int = 0, **changes: Any) -> Riddle:
    """A complete riddle with every field set, different for every number; `changes` replace fields."""
    riddle = Riddle(
        article=Article(
            text=f"Ferry number {number} ran aground in the fog. Nobody was hurt.",
            title=f"Ferry {number} aground",
            url=f"https://news.example/{number}",
            source="ABC",
            published_at=datetime(2026, 3, 1, 8, number % 60, tzinfo=UTC),
            language="en",
        ),
        status="published",
        pipeline="embedded",
        summary="A ship met a bank of sand.",
        riddle="I carry many,\nyet sand carried me.\nWhat am I?",
        answer="the grounded boat",
        hints=("I float.", "Usually."),
        steps=(
            StepRecord(step="summarize", prompt="summarize@1", model="openai:small", example_ids=("ex_1", "ex_2")),
            StepRecord(step="riddle", prompt="riddle@2", model="openai:small"),
        ),
        checks=(Check(name="leakage", passed=True, score=1.0), Check(name="form", passed=True, detail="three lines")),
        attempts=2,
        usage=Usage(input_tokens=300, output_tokens=40, cached_tokens=100, cost_usd=0.0003, calls=2),
        timings_ms=Timings(retrieve=1.5, summarize=200.0, riddle=210.25, total=412.5),
    )
    return replace(riddle, **changes)
