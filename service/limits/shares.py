"""How processes divide the calls that may be in flight at one provider."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TURN_S = 10.0


def fair_shares(total: int, wanted: Mapping[str, int], now: float) -> dict[str, int]:
    """Max-min fair shares: who wants little gets it, and the others divide the rest evenly.

    (Bertsekas and Gallager, "Data Networks", 1987, section 6.5.) What does not divide evenly goes around, every ten
    seconds to others, so that with fewer calls than processes nobody waits for ever.

    Args:
        total: Calls in flight, of all together.
        wanted: By process.
        now: In seconds, for the turns.

    Returns:
        By process; together never more than `total`, and none more than it wanted.
    """
    shares = dict.fromkeys(wanted, 0)
    left = total
    unmet = [holder for holder, want in wanted.items() if want > 0]
    while unmet and (each := left // len(unmet)):
        for holder in unmet:
            given = min(each, wanted[holder] - shares[holder])
            shares[holder] += given
            left -= given
        unmet = [holder for holder in unmet if shares[holder] < wanted[holder]]
    for holder in sorted(unmet, key=lambda holder: _turn(holder, now))[:left]:
        shares[holder] += 1
    return shares


def _turn(holder: str, now: float) -> str:
    return hashlib.sha256(f"{holder}/{int(now // _TURN_S)}".encode()).hexdigest()
