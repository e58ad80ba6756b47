"""Batches and their items as JSON: the field names of the contract stand here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.riddles.payload import riddle_payload
from service.storage.batch_rows import STATUSES

if TYPE_CHECKING:
    from service.limits.errors import Budget
    from service.storage.batch_rows import BatchItem, Deferred, StoredBatch

_WHOSE: Final[dict[Budget, str]] = {
    "all": "of all calls together",
    "key": "of the API key",
    "pipeline": "of the pipeline",
}


def batch_payload(batch: StoredBatch) -> dict[str, Any]:
    """A batch and how far it is."""
    return {
        "id": batch.id,
        "status": batch.status,
        "counts": {"total": batch.total, **{status: batch.counts[status] for status in STATUSES}},
        "pipeline": batch.pipeline,
        "created_at": batch.created_at,
        "finished_at": batch.finished_at,
        "eta_seconds": batch.eta_seconds(),
        "deferred": _deferred(batch.counts.deferred),
    }


def item_payload(item: BatchItem) -> dict[str, Any]:
    """One article of a batch and what became of it."""
    return {
        "index": item.index,
        "status": item.status,
        "riddle": riddle_payload(item.riddle) if item.riddle is not None else None,
        "error": item.error,
    }


def _deferred(deferred: Deferred | None) -> dict[str, Any] | None:
    if deferred is None:
        return None
    whose = " and that ".join(_WHOSE[budget] for budget in deferred.budgets)
    until = f"{deferred.until:%Y-%m-%dT%H:%M:%SZ}, or until it is raised"
    return {
        "count": deferred.count,
        "budgets": list(deferred.budgets),
        "until": deferred.until,
        "detail": f"the daily budget {whose} is spent; {deferred.count} articles wait until {until}",
    }
