"""Reading experiments: one with two pipelines is run once for the module."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from prompts import Catalog
from service.cli.exits import Exit
from tests.service.cli.running import Cli
from tests.support.openai_stub import SUMMARY, OpenAIStub, plausible_reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.openai_stub import Recorded

_MINUS = "\N{MINUS SIGN}"
_LEAKING = (
    "Answer: \x1b[31mleaking pipe\n"
    "Riddle: I am a leaking pipe,\nwho drips all night,\nWho am I?\n"
    "Hint: Wet.\nHint: Metal."
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The experiment `lab`: pipeline `good` passes its gate, `bad` does not."""
    cli = Cli(tmp_path_factory.mktemp("home"))
    text = Catalog().pipeline("openai").path.read_text(encoding="utf-8")
    (cli.home / "pipelines").mkdir()
    for name, model in (("good", "gpt-5.4-mini"), ("bad", "gpt-5.4-nano")):
        own = text.replace("name: openai\n", f"name: {name}\n").replace("gpt-5.4-mini", model)
        (cli.home / "pipelines" / f"{name}.yaml").write_text(own, encoding="utf-8")

    def reply(request: Recorded) -> str:
        plausible = plausible_reply(request)
        return _LEAKING if request.body["model"] == "gpt-5.4-nano" and plausible != SUMMARY else plausible

    with OpenAIStub(reply=reply) as stub:
        env = {"OPENAI_API_KEY": "sk-stub", "OPENAI_BASE_URL": stub.url}
        ended = cli("eval", "run", "--pipelines", "good,bad", "--limit", "4", "--name", "lab", **env)
    assert ended.code == Exit.OK, ended.err
    return cli


def test_experiments_are_listed_with_how_far_they_are(lab: Cli) -> None:
    (row,) = lab("eval", "list", "--json").json
    assert (row["name"], row["runs"], row["total"], row["pipelines"]) == ("lab", 8, 8, ["good", "bad"])
    assert lab("eval", "list").out.startswith("lab\tdev\tgood, bad\t8/8\t$0.")


def test_an_experiment_is_shown_with_intervals(lab: Cli) -> None:
    told = lab("eval", "show", "lab").out
    assert told.splitlines()[1].split("\t") == ["metric", "good", "bad", "reference", "better"]
    assert "Published\t100.0% (51.0 to 100.0%)\t0.0% (0.0 to 49.0%)\t-\thigher" in told
    assert "Gate: leakage" not in told
    assert "Gate: leakage" in lab("eval", "show", "lab", "--all").out


def test_solver_embeddings_may_come_to_a_finished_experiment(lab: Cli) -> None:
    before = lab("eval", "show", "lab", "--all").out
    with OpenAIStub() as stub:
        env = {"OPENAI_API_KEY": "sk-stub", "OPENAI_BASE_URL": stub.url}
        ended = lab("eval", "run", "--resume", "lab", "--solver-embeddings", "openai:text-embedding-3-small", **env)
        assert ended.code == Exit.OK, ended.err
        assert {request.path for request in stub.requests} == {"/v1/embeddings"}
        assert lab("eval", "show", "lab", "--all", **env).out != before
        refused = lab("eval", "run", "--resume", "lab", "--solver-embeddings", "embedded:nothing", **env)
    assert refused.code == Exit.CONFIGURATION
    assert "embedded:wordllama" in refused.err


def test_a_terminal_gets_a_table(lab: Cli) -> None:
    drawn = lab.on_terminal("eval", "show", "lab").out
    assert "reference" in drawn
    assert "Solver" in drawn


def test_comparing_tells_which_is_worse_and_where(lab: Cli) -> None:
    payload = lab("eval", "compare", "good", "bad", "--experiment", "lab", "--json").json
    published = next(one for one in payload["metrics"] if one["metric"] == "published")
    assert (published["first"], published["second"], published["difference"], published["cases"]) == (1.0, 0.0, -1.0, 4)
    assert (len(published["worse"]), published["better"]) == (4, [])
    told = lab("eval", "compare", "lab/good", "lab/bad", "--metric", "published").out
    span = f"({_MINUS}100.0 to {_MINUS}100.0 points)"
    assert f"Published\t100.0%\t0.0%\t{_MINUS}100.0 points {span}\tworse\t0\t4\t0" in told
    assert f"worse\t{published['worse'][0]}\t{_MINUS}100.0 points" in told


def test_texts_stand_side_by_side_without_terminal_sequences(lab: Cli) -> None:
    told = lab("eval", "compare", "good", "bad", "--experiment", "lab", "--text", "-n", "1").out
    assert told.count("== good") == told.count("== bad") == 1
    assert "Answer: mended stone crossing" in told
    assert "refused by" in told
    assert "\x1b" not in told
    drawn = lab.on_terminal("eval", "compare", "good", "bad", "--experiment", "lab", "--text", "-n", "1").out
    assert "─ good ─" in drawn
    assert "\x1b[31mleaking" not in drawn


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--baseline", "good", "--candidate", "bad", "--max-drop", "published=0.5"], Exit.FAILED),
        (["--baseline", "good", "--candidate", "bad", "--max-drop", "published=1"], Exit.OK),
        (["--baseline", "bad", "--candidate", "good", "--max-drop", "published=0", "--strict"], Exit.OK),
        (["--baseline", "bad", "--candidate", "good", "--max-drop", "published=-1"], Exit.OK),
        (["--baseline", "good", "--candidate", "good", "--max-drop", "published=-0.1"], Exit.FAILED),
        (["--baseline", "good", "--candidate", "bad", "--max-drop", "attempts=5", "--max-drop", "rougeL=0"], Exit.OK),
        (["--baseline", "good", "--candidate", "bad", "--max-drop", "entailment=1"], Exit.FAILED),
        (["--baseline", "good", "--candidate", "bad", "--max-drop", "published"], Exit.USAGE),
        (["--baseline", "good", "--candidate", "bad", "--max-drop", "published=nan"], Exit.USAGE),
        (["--baseline", "good", "--candidate", "bad", "--max-drop", "nosuch=1"], Exit.FAILED),
        (["--baseline", "good", "--candidate", "bad"], Exit.USAGE),
        (["--baseline", "good", "--candidate", "bad", "--max-drop", "riddle_words=1"], Exit.INPUT),
    ],
)
def test_the_gate_ends_with_a_code_for_ci(lab: Cli, arguments: list[str], code: Exit) -> None:
    assert lab("eval", "gate", "lab", *arguments).code == code


def test_the_gate_says_why(lab: Cli) -> None:
    ended = lab(
        "eval", "gate", "--baseline", "lab/good", "--candidate", "lab/bad", "--max-drop", "published=0.5", "--json"
    )
    assert ended.json["passed"] is False
    (metric,) = ended.json["metrics"]
    assert (metric["drop"], metric["allowed"], metric["reason"]) == (1.0, 0.5, "worse by 1, 0.5 allowed")


def test_exports_are_written(lab: Cli, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(lab("eval", "export", "lab").out)))
    assert len(rows) == 12
    assert {row["pipeline"] for row in rows} == {"good", "bad", "reference"}
    target = tmp_path / "out.json"
    assert lab("eval", "export", "lab", "--format", "promptfoo", "--to", str(target)).code == Exit.OK
    assert json.loads(target.read_text(encoding="utf-8"))["results"]["stats"]["successes"] == 8
    assert len(lab("eval", "export", "lab", "--format", "langsmith").out.splitlines()) == 4
    assert len(lab("eval", "export", "lab", "--format", "jsonl", "--pipeline", "bad").out.splitlines()) == 4
    assert lab("eval", "export", "lab", "--format", "xml").code == Exit.USAGE
    assert lab("eval", "export", "lab", "--to", str(tmp_path / "no" / "folder.csv")).code == Exit.INPUT


def test_the_report_is_written(lab: Cli, tmp_path: Path) -> None:
    ended = lab("eval", "report", "lab", "--to", str(tmp_path))
    assert ended.code == Exit.OK, ended.err
    assert ended.out.splitlines() == [str(tmp_path / "report.html"), str(tmp_path / "report.md")]
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")[:400]


def test_a_judge_is_measured_against_people(lab: Cli, tmp_path: Path) -> None:
    def reply(request: Recorded) -> str:
        return "yes" if "follow from the article" in request.text else "A" if _worse_comes_first(request) else "B"

    with OpenAIStub(reply=reply) as stub:
        env = {"OPENAI_API_KEY": "sk-stub", "OPENAI_BASE_URL": stub.url}
        judged = lab("eval", "run", "--resume", "lab", "--judge", "openai:gpt-5.4-mini", "--json", **env)
    preferred = {one["pipeline"]: one["metrics"]["judge_preference"]["mean"] for one in judged.json["pipelines"]}
    assert preferred["bad"] == 1.0
    case_ids = [case["id"] for case in lab("eval", "dataset", "show", "--limit", "0", "--json").json["shown"]]
    ran = [row["case_id"] for row in csv.DictReader(io.StringIO(lab("eval", "export", "lab", "--pipeline", "bad").out))]
    labels = tmp_path / "labels.csv"
    rows = [f"{ran[0]},good,bad,bad", f"{ran[1]},bad,good,first", f"{ran[2]},good,bad,first", f"{ran[3]},good,bad,tie"]
    missing = next(case_id for case_id in case_ids if case_id not in ran)
    labels.write_text("\n".join(["case_id,first,second,winner", *rows, f"{missing},good,bad,tie"]), encoding="utf-8")
    found = lab("eval", "agreement", "lab", "--labels", str(labels), "--json").json
    assert (found["raw"], found["pairs"], found["unscored"]) == (0.5, 4, 1)
    assert "Agreement 50.0% (15.0% to 85.0%)" in lab("eval", "agreement", "lab", "--labels", str(labels)).out


def _worse_comes_first(request: Recorded) -> bool:
    return request.text.find("leaking pipe") < request.text.find("Riddle B:")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("case_id,first,second\na,b,c", "labels.csv:1 has no column 'winner'"),
        ("case_id,first,second,winner\na,good,bad,nobody", "labels.csv:2 has a winner that is none of first"),
        ("case_id,first,second,winner\n", "labels.csv has no label"),
    ],
)
def test_labels_that_cannot_be_used_are_told(lab: Cli, tmp_path: Path, text: str, complaint: str) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(text, encoding="utf-8")
    ended = lab("eval", "agreement", "lab", "--labels", str(labels))
    assert ended.code == Exit.INPUT
    assert complaint in ended.err


@pytest.mark.local
def test_a_local_model_is_measured_by_its_surprise(lab: Cli, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tests.finetuning.tiny import write_tiny_model

    folder = write_tiny_model(tmp_path / "tiny", spread=0.02)
    config = folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text(encoding="utf-8")), "max_position_embeddings": 8192}))
    found = lab("eval", "perplexity", str(folder), "--limit", "2", "--json").json
    assert (found["cases"], found["left_out"]) == (2, 0)
    assert found["perplexity"] == pytest.approx(258, rel=0.1)  # random weights over 258 tokens know nothing
    assert found["bits_per_byte"] == pytest.approx(8, rel=0.05)


def test_a_model_that_is_not_there_is_told(lab: Cli, tmp_path: Path) -> None:
    ended = lab("eval", "perplexity", str(tmp_path / "nothing.gguf"), "--limit", "1")
    assert ended.code == Exit.CONFIGURATION
    assert "nothing.gguf" in ended.err


def test_metrics_are_listed_with_what_they_cannot_see(lab: Cli) -> None:
    found = lab("eval", "metrics", "--json").json
    assert {"solver_mrr", "published", "rougeL"} <= {one["name"] for one in found}
    assert all(one["blind_to"] for one in found)


def test_datasets_are_shown_and_sampled(lab: Cli, tmp_path: Path) -> None:
    assert lab("eval", "dataset", "show").out.startswith("dev: 69 cases, 69 with a summary, 69 with a riddle\n")
    sample = tmp_path / "sample.jsonl"
    sample.write_text(lab("eval", "dataset", "sample", "dev", "5").out, encoding="utf-8")
    payload = lab("eval", "dataset", "show", str(sample), "--json").json
    assert (payload["cases"], payload["with_riddle"], len(payload["shown"])) == (5, 5, 5)
    dev = {case["id"] for case in lab("eval", "dataset", "show", "--limit", "0", "--json").json["shown"]}
    assert {case["id"] for case in payload["shown"]} <= dev


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["show", "nosuch"], Exit.FAILED, "no experiment 'nosuch'; there is: lab"),
        (["compare", "good", "bad"], Exit.INPUT, "name the experiment"),
        (["compare", "good", "nosuch", "--experiment", "lab"], Exit.FAILED, "no pipeline in this experiment 'nosuch'"),
        (["compare", "good", "bad", "--experiment", "lab", "--metric", "nosuch"], Exit.FAILED, "no metric 'nosuch'"),
        (["show", "../lab"], Exit.CONFIGURATION, "an experiment cannot be called"),
        (["dataset", "show", "stored:0"], Exit.INPUT, "asks for no case"),
    ],
)
def test_what_is_not_there_is_told(lab: Cli, arguments: list[str], code: Exit, complaint: str) -> None:
    ended = lab("eval", *arguments)
    assert ended.code == code
    assert complaint in ended.err
