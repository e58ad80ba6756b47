"""Training a tiny model: what counts in the loss, that it learns, that it can be killed and go on."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.errors import UnknownModelName
from finetuning.curves import draw_curves
from finetuning.errors import TooFewSamples
from finetuning.settings import TrainingSettings
from finetuning.tokens import IGNORED, collate, encode, shorter_than
from tests.finetuning.tiny import sample, task

pytestmark = pytest.mark.local

ROOT = Path(__file__).parents[2]
SETTINGS = TrainingSettings(
    rank=4,
    alpha=8,
    dropout=0.0,
    learning_rate=3e-2,
    epochs=8,
    batch_size=8,
    evaluations=4,
    patience=0,
    threads=1,
    precision="fp32",
)


def loaded(folder: Path) -> tuple[Any, Any]:
    from finetuning.base_model import load_model

    return load_model(str(folder), cache=folder / "cache")


def run(tiny: Path, folder: Path, settings: TrainingSettings = SETTINGS, **options: Any) -> Any:
    from finetuning.training import train

    samples = options.pop("samples", None) or task()
    return train(samples, base=str(tiny), folder=folder, cache=folder / "cache", settings=settings, **options)


def test_only_the_answer_and_its_end_count(tiny: Path) -> None:
    _, tokenizer = loaded(tiny)
    encoded = [encode(sample("q", "fog"), tokenizer), encode(sample("a longer question", "dense fog"), tokenizer)]
    batch = collate(encoded, tokenizer.pad_token_id)
    texts = [tokenizer.decode([token for token in row if token != IGNORED]) for row in batch["labels"].tolist()]
    assert texts == ["fog<|im_end|>", "dense fog<|im_end|>"]
    width = batch["labels"].shape[1]
    for row, label_row in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        assert [token for token in label_row if token != IGNORED] == row[-sum(t != IGNORED for t in label_row) :]
    assert width == len("dense fog") + 1


def test_padding_and_batching_do_not_change_the_loss(tiny: Path) -> None:
    from finetuning.losses import measure

    model, tokenizer = loaded(tiny)
    encoded = [encode(sample("q" * n, "fog" * (n % 3 + 1)), tokenizer) for n in range(1, 9)]
    pad = tokenizer.pad_token_id
    together = measure(model, encoded, pad=pad, batch_size=8)
    alone = measure(model, encoded, pad=pad, batch_size=1)
    assert together.tokens == alone.tokens == sum(each.answer_tokens for each in encoded)
    assert together.nats == pytest.approx(alone.nats, rel=1e-4)
    assert together.perplexity == pytest.approx(math.exp(together.nats))


def test_the_loss_is_that_of_transformers_itself(tiny: Path) -> None:
    import torch

    from finetuning.losses import measure

    model, tokenizer = loaded(tiny)
    encoded = encode(sample("why", "fog"), tokenizer)
    ids = torch.tensor([encoded.input_ids])
    labels = ids.clone()
    labels[0, : -encoded.answer_tokens] = IGNORED
    theirs = model.eval()(input_ids=ids, labels=labels).loss.item()
    assert measure(model, [encoded], pad=0).nats == pytest.approx(theirs, rel=1e-5)


def test_samples_longer_than_the_limit_are_left_out_whole(tiny: Path, tmp_path: Path) -> None:
    _, tokenizer = loaded(tiny)
    encoded = [encode(each, tokenizer) for each in (sample("q", "a"), sample("q" * 200, "a"))]
    assert shorter_than(encoded, 100) == encoded[:1]
    run(tiny, tmp_path, replace(SETTINGS, max_length=100, epochs=1), samples=[*task(), sample("q" * 200, "a")])
    assert json.loads((tmp_path / "training.json").read_text())["too_long"] == 1


def test_it_learns_and_says_what_it_did(tiny: Path, tmp_path: Path) -> None:
    told: list[Any] = []
    trained = run(tiny, tmp_path, on_progress=told.append)
    assert trained.after.nats < 0.5 * trained.before.nats
    assert set(trained.after.by_step) == {"riddle", "summarize"}
    assert trained.steps == 24
    assert [progress.step for progress in told] == list(range(1, 25))
    assert told[-1].done == 1.0
    report = json.loads((tmp_path / "training.json").read_text())
    assert report["settings"]["rank"] == 4
    assert report["samples"] == {"train": 24, "dev": 6}
    assert report["after"]["perplexity"] == pytest.approx(math.exp(trained.after.nats))
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
    rates = [entry["learning_rate"] for entry in trained.history if "learning_rate" in entry]
    assert max(rates) <= 3e-2
    assert rates[-1] < rates[len(rates) // 2] < max(rates)


def test_the_same_seed_gives_the_same_adapter(tiny: Path, tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=1, dropout=0.1)
    first, second = (run(tiny, tmp_path / name, settings) for name in ("a", "b"))
    other = run(tiny, tmp_path / "c", replace(settings, seed=21))
    assert first.after.nats == second.after.nats != other.after.nats


def test_the_state_with_the_least_dev_loss_is_kept_and_it_ends_early(tiny: Path, tmp_path: Path) -> None:
    samples = [*task(24)[:24], *(sample(f"dev {n}", "xyz xyz", split="dev") for n in range(4))]
    trained = run(tiny, tmp_path, replace(SETTINGS, epochs=40, evaluations=20, patience=2), samples=samples)
    measured = [entry["dev_loss"] for entry in trained.history if "dev_loss" in entry]
    assert trained.after.nats == pytest.approx(min(measured))
    assert trained.steps < 120


def test_it_ends_when_its_time_is_over(tiny: Path, tmp_path: Path) -> None:
    trained = run(tiny, tmp_path, replace(SETTINGS, epochs=100_000, minutes=0.05, evaluations=1000))
    assert 0 < trained.steps < 75_000
    assert (tmp_path / "adapter").is_dir()


def test_an_empty_split_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(TooFewSamples, match="dev has 0 samples"):
        run(tiny, tmp_path, samples=[each for each in task() if each.split == "train"])


def test_a_model_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelName):
        run(tmp_path / "nothing-here", tmp_path / "run")


def test_an_adapter_can_be_measured_again_and_merged(tiny: Path, tmp_path: Path) -> None:
    from finetuning.evaluating import evaluate
    from finetuning.exporting import export_merged
    from finetuning.losses import measure

    trained = run(tiny, tmp_path)
    found = evaluate(task(), tmp_path / "adapter", base=str(tiny), cache=tmp_path / "cache")
    assert found.before.nats == pytest.approx(trained.before.nats, rel=1e-4)
    assert found.after.nats == pytest.approx(trained.after.nats, rel=1e-3)
    merged = export_merged(tmp_path / "adapter", str(tiny), tmp_path / "merged", cache=tmp_path / "cache")
    model, tokenizer = loaded(merged)
    dev = [encode(each, tokenizer) for each in task() if each.split == "dev"]
    assert measure(model, dev, pad=tokenizer.pad_token_id).nats == pytest.approx(found.after.nats, rel=1e-3)


def test_curves_are_a_picture_that_stands_alone(tmp_path: Path) -> None:
    history = [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0, "dev_loss": 2.5, "dev_riddle": 2.6}]
    picture = draw_curves(history, tmp_path / "loss.svg", before=3.5).read_text()
    assert picture.lstrip().startswith("<?xml")
    assert "svg" in picture


LONG = replace(SETTINGS, epochs=100, evaluations=20)
"""Three hundred updates with a checkpoint every fifteen: long enough to be killed in the middle."""

SCRIPT = """
import sys
from pathlib import Path
from tests.finetuning.test_training import LONG, run
run(Path(sys.argv[1]), Path(sys.argv[2]), LONG, resume=True,
    on_progress=lambda progress: print(progress.step, flush=True))
"""


def test_a_killed_run_goes_on_from_its_last_checkpoint(tiny: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tiny), str(tmp_path / "run")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        done = next(int(line) for line in process.stdout if int(line) >= 40)
        os.kill(process.pid, signal.SIGKILL)
    checkpoints = [int(path.name.split("-")[1]) for path in (tmp_path / "run/checkpoints").glob("checkpoint-*")]
    told: list[int] = []
    started = time.monotonic()
    trained = run(
        tiny,
        tmp_path / "run",
        LONG,
        resume=True,
        on_progress=lambda progress: told.append(progress.step),
    )
    assert told[0] == max(checkpoints) + 1
    assert done - max(checkpoints) <= 15
    assert trained.steps == 300
    assert trained.seconds >= time.monotonic() - started - 30
