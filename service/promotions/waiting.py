"""Who sees what waits for approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.auth import Caller
    from service.storage.promotions import Promotion


def may_see(promotion: Promotion, caller: Caller) -> bool:
    """Whether a promotion that waits is the caller's, or the caller's to decide about, with all its edits."""
    decides = caller.may("admin") and caller.tenant in (None, promotion.tenant)
    return decides or promotion.promoted_by == caller.owner
