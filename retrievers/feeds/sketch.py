"""Which stories are told in the same words: near-duplicates by shared runs of four words.

Every run of four words is hashed, and the quarter of hashes that is divisible by four is kept: the sketch. The share of
the smaller sketch that stands in the other one estimates how much of the shorter text the longer one contains (Broder,
*On the resemblance and containment of documents*, 1997, the "mod m" variant). Containment, unlike resemblance, does not
mind a cut tail or an added paragraph, which is what newspapers do to wire copy. `docs/feeds.md` has the measurements,
also of the simhash that trafilatura brings.
"""

from __future__ import annotations

import re
from hashlib import blake2b

Sketch = frozenset[int]
"""Hashes of 63 bits, so that both databases keep them as they are."""

SAME = 0.5
"""From this share on two texts tell the same story in the same words."""

ALIKE = 0.25
"""From this share on they do when an address says so too; different stories share 0.18 at most."""

_RUN = 4
_KEPT = 4
_MIN_SHARED = 4
_MIN_ALIKE = 2
_MAX_WORDS = 20_000
_LETTERS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_LETTERS}]|[^\W{_LETTERS}]+")


def sketch(text: str) -> Sketch:
    """The text's sketch; about 70 hashes for 300 words, none for a text of less than four.

    Scripts that write without spaces are taken letter by letter.
    """
    words = _WORD.findall(text[: _MAX_WORDS * 20].casefold())[:_MAX_WORDS]
    runs = zip(*(words[start:] for start in range(_RUN)), strict=False)
    return frozenset(value for value in map(_hash, runs) if value % _KEPT == 0)


def shares(shared: int, size: int, other_size: int) -> bool:
    """Whether sketches of these sizes with so many hashes in common are of one story."""
    return shared >= _MIN_SHARED and shared >= SAME * min(size, other_size)


def alike(shared: int, size: int, other_size: int) -> bool:
    """Whether sketches of these sizes with so many hashes in common are of one story, when an address says so."""
    return shared >= _MIN_ALIKE and shared >= ALIKE * min(size, other_size)


def _hash(run: tuple[str, ...]) -> int:
    digest = blake2b(" ".join(run).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
