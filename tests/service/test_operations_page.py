"""What docs/operations.md and docs/webhooks.md name is there: settings, metrics, commands, files, numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from service.jobs.progress import LOOP_STUCK_AFTER_S
from service.keys import CACHED_S
from service.operations.readiness import _PATIENCE_S
from service.setting_groups.background import JobSettings, WebhookSettings
from service.setting_groups.callers import LimitSettings
from service.settings_table import all_settings
from service.telemetry.metrics import Metrics

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
PAGES = {name: (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("operations", "webhooks")}


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_is_read(page: str) -> None:
    named = set(re.findall(r"RIDDLEWIRE_[A-Z_]+[A-Z]", PAGES[page])) - {"RIDDLEWIRE_PROVIDERS"}
    assert named - {setting.variable for setting in all_settings()} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_metric_that_is_named_is_shown(page: str) -> None:
    known = {metric.name for metric in Metrics().registry.collect()}
    named = {name.removesuffix("_total") for name in re.findall(r"riddlewire_\w+", PAGES[page])}
    assert named - known == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_named_exists(page: str) -> None:
    reference = (DOCS / "cli.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^## (riddlewire.*)$", reference, re.MULTILINE))
    named = set(re.findall(r"riddlewire ((?:keys|examples|webhooks) [a-z]+|doctor|serve|work|spend)\b", PAGES[page]))
    assert {f"riddlewire {command}" for command in named} - known == set()


def test_the_numbers_are_those_of_the_code() -> None:
    text = " ".join(OPERATIONS.split())
    drain_s, keep_days = LimitSettings().drain_s, WebhookSettings().keep_days
    assert f"`RIDDLEWIRE_LIMITS_DRAIN_S` ({drain_s:g} s)" in text
    assert f"`RIDDLEWIRE_WEBHOOKS_KEEP_DAYS` ({keep_days})" in text
    assert f"within {_PATIENCE_S:g} s" in text
    jobs = JobSettings()
    assert f"`RIDDLEWIRE_JOBS_STUCK_AFTER_S` ({jobs.stuck_after_s:g} s)" in text
    assert f"`RIDDLEWIRE_JOBS_DEAD_AFTER_S` ({jobs.dead_after_s:g} s)" in text
    assert f"`RIDDLEWIRE_JOBS_PATIENCE_S` ({jobs.patience_s / 3600:g} h)" in text
    assert f"`RIDDLEWIRE_JOBS_WAITING` ({jobs.waiting:,})" in text
    assert ("`RIDDLEWIRE_JOBS_LATE_AFTER_S` (a day)" in text, jobs.late_after_s) == (True, 86400)
    assert ("has not turned for a minute" in text, LOOP_STUCK_AFTER_S) == (True, 60)
    assert CACHED_S == 1
    assert "refuses a revoked key within a second" in text


def test_the_grace_period_leaves_time_to_drain() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", OPERATIONS, re.MULTILINE | re.DOTALL)
    spec = yaml.safe_load(block)["spec"]
    before_stop = int(spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert spec["terminationGracePeriodSeconds"] >= LimitSettings().drain_s + before_stop + 10
