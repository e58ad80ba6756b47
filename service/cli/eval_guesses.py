"""`riddlewire eval guesses`: how well readers' guesses are judged, and the calibration made anew."""

from typing import TYPE_CHECKING, Any

from service.cli.options import AsJson
from service.cli.terminal import print_json, print_table, say

if TYPE_CHECKING:
    from chains.guessing import Calibration
    from evaluation.guessing import Confusion

_MEASURES = {
    "right or not right": "decided",
    "right, near or wrong": "agreed",
}


def guesses(as_json: AsJson = False) -> None:
    """Make the calibration of the judge of guesses anew from labelled ones, and measure it with the others.

    A third of the stories is never calibrated with: the part `test` shows what to expect. See docs/guesses.md.

    Example: `riddlewire eval guesses`
    """
    from chains.guessing import GuessJudge
    from chains.guessing.judge import SHIPPED
    from evaluation.guessing import calibrate, elsewhere, measure, read_labelled
    from retrievers import load_embeddings

    embeddings, labelled = load_embeddings(), read_labelled()
    parts = {part: [one for one in labelled if one.part == part] for part in ("calibration", "test")}
    found = calibrate(parts["calibration"], GuessJudge(embeddings))
    judge = GuessJudge(embeddings, found)
    confusions = {part: measure(guesses, judge) for part, guesses in parts.items()}
    made = measure((one for one in labelled if one.made), judge)
    strangers = elsewhere(labelled, judge)
    if as_json:
        parts = _as_json({**confusions, "made": made})
        print_json({"calibration": found, "ships": found == SHIPPED, "parts": parts, "elsewhere": strangers})
        return
    _print_calibration(found, ships=found == SHIPPED)
    for part, confusion in confusions.items():
        stories = len({one.story for one in parts[part]})
        say()
        say(f"{part}: {confusion.total} guesses at {stories} stories", "bold")
        _print_confusion(confusion)
    say()
    say(f"riddles that the default pipeline made, of both parts: {made.total} guesses", "bold")
    _print_confusion(made)
    tried = sum(strangers.values())
    say()
    say(f"right guesses tried at other stories: {tried}", "bold")
    say(f"called right: {_share(strangers['right'], tried)}, near: {_share(strangers['near'], tried)}")


def _print_calibration(found: "Calibration", *, ships: bool) -> None:
    from chains.guessing import Signs

    names = ("named", "told", "like_answer", "like_summary", "fits", "titled")
    assert len(names) == len(Signs().as_tuple())
    steps = (("wrong to near", found.to_near), ("near to right", found.to_right))
    rows = ((name, *(f"{weight:.2f}" for weight in step.weights), f"{step.offset:.2f}") for name, step in steps)
    print_table(("step", *names, "offset"), rows)
    say(f"Near from a score of {found.near:.2f} on, right from {found.right:.2f} on.")
    say(
        "This is the calibration in use."
        if ships
        else "The calibration in use is another one: chains.guessing.judge.SHIPPED."
    )


def _print_confusion(confusion: "Confusion") -> None:
    from evaluation.guessing.labelled import LABELS

    rows = [(f"labelled {label}", *(str(confusion.counts[label][verdict]) for verdict in LABELS)) for label in LABELS]
    print_table(("", *(f"called {verdict}" for verdict in LABELS)), rows)
    for name, attribute in _MEASURES.items():
        say(f"{name}: {_share(getattr(confusion, attribute), confusion.total)}")
    wrong = confusion.counts["wrong"]
    say(f"wrong guesses called right: {_share(wrong['right'], sum(wrong.values()))}")


def _share(successes: int, trials: int) -> str:
    from evaluation.statistics import wilson

    span = wilson(successes, trials)
    return f"{successes / trials:.1%} ({span.low:.1%} to {span.high:.1%})"


def _as_json(confusions: "dict[str, Confusion]") -> dict[str, Any]:
    return {
        part: {
            "guesses": confusion.total,
            "counts": confusion.counts,
            "solving_accuracy": confusion.solving_accuracy,
            "accuracy": confusion.accuracy,
            "nonsense_solves": confusion.nonsense_solves,
        }
        for part, confusion in confusions.items()
    }
