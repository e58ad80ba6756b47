"""What is measured with: the shipped examples, noisy copies of them, and real articles nobody wrote for us."""

from __future__ import annotations

import importlib.util
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain import Example

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "retrievers" / "data" / "examples.jsonl"
_CORPUS = ("test", "test_data", "lee_background.cor")
_LOST, _SWAPPED = 0.1, 0.2


def real_articles() -> list[str]:
    """300 articles of the Australian Broadcasting Corporation (the Lee corpus), from the installed gensim.

    Raises:
        FileNotFoundError: gensim is not installed; it is part of the extra `dev`.
    """
    spec = importlib.util.find_spec("gensim")  # found, not imported: it takes seconds and is not needed
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder).joinpath(*_CORPUS)
        if path.is_file():
            return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    raise FileNotFoundError("the real articles come with gensim: pip install 'riddlewire[dev]'")


def noisy_copies(examples: Sequence[Example], count: int, seed: int = 7) -> Iterator[Example]:
    """Examples like the given ones, none equal: a tenth of the words is dropped and a tenth swapped for others.

    Every third belongs to a tenant, `tenant-0` to `tenant-9`, so that filters have something to hold.
    """
    rng = random.Random(seed)
    words = [word for example in examples for word in example.article.split()]
    for number in range(count):
        example = rng.choice(examples)
        yield replace(
            example,
            id="",
            article=_noisy(example.article, words, rng),
            summary=_noisy(example.summary, words, rng),
            headline=f"{example.headline} ({number})",
            tenant=f"tenant-{number % 10}" if number % 3 == 0 else None,
        )


def _noisy(text: str, words: Sequence[str], rng: random.Random) -> str:
    kept = []
    for word in text.split():
        chance = rng.random()
        if chance >= _LOST:
            kept.append(rng.choice(words) if chance < _SWAPPED else word)
    return " ".join(kept) or text
