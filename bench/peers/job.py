"""The job, the same for every peer: prompts, k, the embedding, and where things are."""

import json
import logging
import os
import pathlib

from wording import RIDDLE_SYSTEM, SUMMARISE_SYSTEM, K  # noqa: F401 -- the peers read them here

BASE_URL = os.environ.get("BENCH_LLM", "http://127.0.0.1:9911/v1")
DATA = pathlib.Path(os.environ.get("BENCH_DATA", "."))
TIMEOUT_S = 120


def examples():
    """The pre-made examples as dicts, in the order of the file."""
    with (DATA / "examples.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _load_model():
    import wordllama

    # wordllama's import sets the root logger to INFO, and then httpx logs every model call.
    logging.getLogger().setLevel(logging.WARNING)
    folder = pathlib.Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


_model = _load_model()


def embed(texts):
    """Unit vectors of 256 dimensions."""
    return _model.embed(list(texts), norm=True)
