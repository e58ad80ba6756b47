"""The short answer says what the intervals show and no more."""

from __future__ import annotations

from evaluation.report.measured import Measures
from evaluation.report.verdict import Verdict, verdict
from tests.evaluation.report.made import ACCURACY, LATENCY, case, four_ways, outcome, pipeline, results


def two(first: list[float], second: list[float]) -> Verdict:
    """The verdict on two pipelines with these values of one metric where more is better."""
    cases = [case(number) for number in range(len(first))]
    one = pipeline("one", [outcome(of, "one") for of in cases], {"solver_accuracy": first})
    other = pipeline("other", [outcome(of, "other") for of in cases], {"solver_accuracy": second})
    return verdict(Measures(results(cases, one, other, metrics=[ACCURACY])))


def test_a_clear_difference_is_said_with_its_interval() -> None:
    found = two([1.0] * 20, [float(number % 2) for number in range(20)])
    assert found.sentences == (
        "one is ahead of every other pipeline on at least one headline metric and behind on none.",
        "one is ahead of other on 1 of 1 headline metric.",
    )
    (finding,) = found.findings
    assert (finding.leader, finding.value) == ("one", "100.0%")
    (against,) = finding.others
    assert against.ahead
    assert against.cases == 20
    assert against.gap.startswith("+50.0 points (+")


def test_no_difference_is_shown_when_the_interval_has_0_in_it() -> None:
    half = [float(number % 2) for number in range(20)]
    found = two(half, half[1:] + half[:1])
    assert found.sentences == (
        "No difference shown: the interval of every difference between two pipelines has 0 in it.",
    )
    assert not found.findings[0].others[0].ahead


def test_two_that_are_equal_show_no_difference() -> None:
    found = two([0.7] * 12, [0.7] * 12)
    assert found.findings[0].others[0].gap == "0.0 points (0.0 to 0.0 points)"
    assert not found.findings[0].others[0].ahead


def test_a_few_stories_say_nothing_however_large_the_difference() -> None:
    found = two([1.0] * 9, [0.0] * 9)
    assert found.sentences == ("Nothing can be said yet: no two pipelines have scores on 10 stories or more.",)
    assert found.findings[0].untold == ("other",)


def test_less_is_better_where_the_metric_says_so() -> None:
    latency = next(one for one in verdict(Measures(four_ways())).findings if one.title == LATENCY.title)
    assert (latency.leader, latency.value) == ("quick", "500 ms")
    assert [(other.name, other.ahead, other.gap) for other in latency.others] == [
        ("good", True, "\u22121.50 s (\u22121.50 to \u22121.50 s)"),
        ("bad", True, "\u22123.50 s (\u22123.50 to \u22123.50 s)"),
    ]


def test_being_better_and_slower_is_told_apart() -> None:
    found = verdict(Measures(four_ways()))
    assert found.sentences[0].startswith("In quality, good is ahead of every other pipeline")
    assert "good is ahead of quick on 1 of 2 headline metrics, behind on 1 (Latency ms)." in found.sentences


def test_people_are_compared_with_and_never_the_leader() -> None:
    found = verdict(Measures(four_ways()))
    assert "reference" not in {finding.leader for finding in found.findings}
    assert {duel.other for duel in found.against_people} == {"reference"}
    worse = next(duel for duel in found.against_people if duel.one == "quick")
    assert worse.other_ahead == (ACCURACY.title,)


def test_one_pipeline_alone_is_compared_with_nobody() -> None:
    cases = [case(1)]
    alone = pipeline("one", [outcome(cases[0], "one")], {"solver_accuracy": [1.0]})
    assert verdict(Measures(results(cases, alone))).sentences == (
        "Only one pipeline ran, so there is nothing to compare.",
    )
