"""Real news for tests: the 300 ABC articles that the gensim wheel carries. Read from the package, never copied."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from domain import Article


@cache
def _lines() -> tuple[str, ...]:
    spec = find_spec("gensim")
    assert spec is not None, "install the dev extra: it brings gensim"
    assert spec.origin is not None
    path = Path(spec.origin).parent / "test" / "test_data" / "lee_background.cor"
    return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def real_articles(n: int = 300, *, start: int = 0) -> list[Article]:
    """`n` real news articles without titles, 80 to 500 words each."""
    return [Article(text=line, source="ABC") for line in _lines()[start : start + n]]
