"""What the command line asks of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to measure.

    Args:
        quick: Few rounds and little data: to try the harness out, not for numbers to publish.
        extra: Measure variants of the peers, too.
        only_peers: Leave ours out.
        peers_python: Interpreter with LangServe; None makes and uses `bench/.venv`.
        profile: Profile our service under load instead of measuring it.
        articles: Measure only how memory grows over so many articles of batches; None measures batches as usual.
    """

    quick: bool = False
    extra: bool = False
    only_peers: bool = False
    peers_python: Path | None = None
    profile: bool = False
    articles: int | None = None
