"""The dashboard and the alert rules name metrics and labels that there are, and have what their readers need."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from service.telemetry.job_metrics import STATES
from service.telemetry.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "docs" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "riddlewire.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

OF_PROMETHEUS = {"job", "instance", "le"}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in RULES]


def samples() -> dict[str, set[str]]:
    """What a query may name: each sample's name with its labels."""
    metrics = Metrics()
    found = {
        f"{family.name}{suffix}": set(labels_of(metrics, family.name))
        for family in metrics.registry.collect()
        for suffix in SUFFIXES[family.type]
    }
    found["riddlewire_workers"] = {"state"}
    return found


def labels_of(metrics: Metrics, name: str) -> tuple[str, ...]:
    collector = metrics.registry._names_to_collectors[name]
    return tuple(collector._labelnames) if isinstance(collector, MetricWrapperBase) else ()


def test_every_metric_that_is_asked_for_is_shown() -> None:
    asked = {name for expression in expressions() for name in re.findall(r"riddlewire_\w+", expression)}
    assert asked - set(samples()) == set()


@pytest.mark.parametrize("expression", expressions())
def test_every_label_that_is_asked_for_is_one_of_the_metric(expression: str) -> None:
    known = samples()
    for name, selector in re.findall(r"(riddlewire_\w+)\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", selector)) - known[name] - OF_PROMETHEUS == set()
    named = set(re.findall(r"riddlewire_\w+", expression))
    labels = set().union(*(known[name] for name in named)) | OF_PROMETHEUS
    grouped = {
        label for group in re.findall(r"(?:by|on) \(([^)]*)\)", expression) for label in re.findall(r"\w+", group)
    }
    assert grouped - labels == set()


def test_every_metric_that_there_is_is_on_the_dashboard() -> None:
    asked = {
        name
        for panel in PANELS
        for target in panel["targets"]
        for name in re.findall(r"riddlewire_\w+", target["expr"])
    }
    families = list(Metrics().registry.collect())
    shown = {
        family.name for family in families for suffix in SUFFIXES[family.type] if f"{family.name}{suffix}" in asked
    }
    assert {family.name for family in families} - shown == set()


def test_states_that_rules_ask_for_exist() -> None:
    asked = {state for expression in expressions() for state in re.findall(r'state="(\w+)"', expression)}
    assert asked
    assert asked <= set(STATES)


def test_the_dashboard_has_what_an_import_needs() -> None:
    assert DASHBOARD["title"] == "Riddlewire"
    assert DASHBOARD["uid"] == "riddlewire"
    assert DASHBOARD["schemaVersion"] >= 39, "Grafana 11 and newer"
    assert "id" not in DASHBOARD, "Grafana gives it"
    assert {"from", "to"} == set(DASHBOARD["time"])
    (source,) = (variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "datasource")
    assert (source["name"], source["query"]) == ("datasource", "prometheus")


def test_every_panel_asks_the_chosen_datasource_and_has_a_place_of_its_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    for panel in PANELS:
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert '{job=~"$job", instance=~"$instance"' in target["expr"]


def test_every_rule_says_how_urgent_it_is_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_every_rule_has_its_place_in_the_guide() -> None:
    guide = (FOLDER.parent / "operations.md").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in RULES if f"`{rule['alert']}`" not in guide] == []
