from __future__ import annotations

from service.limits.idle_budgets import idle_budgets


def test_only_budgets_without_a_pipeline_are_idle() -> None:
    found = idle_budgets({"openai": 1.0, "opneai": 1.0, "nope": 0.0}, ["embedded", "openai"])
    assert [(idle.pipeline, idle.remedy) for idle in found] == [
        ("opneai", "name it 'openai'"),
        ("nope", "name one of: embedded, openai"),
    ]
