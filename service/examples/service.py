"""What /v1/examples does, without HTTP's shapes. A change is in the database when the answer leaves."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any

from domain.errors import NotFound
from service.answers import encode
from service.errors import Forbidden
from service.examples.importing import Import
from service.examples.schemas import example_payload
from service.promotions.payload import approved_payloads, pending_payload
from service.promotions.waiting import may_see

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from domain.example import Example
    from service.auth import Caller
    from service.examples.schemas import ExampleIn
    from service.resources import Resources
    from service.storage.promotions import Promotion

_EXPORTED_AT_ONCE = 200


async def list_examples(
    resources: Resources, caller: Caller, *, limit: int, cursor: str | None, topic: str | None
) -> dict[str, Any]:
    """A page of examples. Those that were riddles are not shown to readers, whom they would tell the answer.

    Raises:
        InvalidInput: The cursor is not one of ours.
    """
    return await asyncio.to_thread(_list, resources, caller, limit, cursor, topic)


async def list_pending(resources: Resources, caller: Caller, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of what waits for approval, for admins.

    Raises:
        Forbidden: The caller is none.
        InvalidCursor: The cursor is not one of ours.
    """
    if not caller.may("admin"):
        raise Forbidden("admin", caller.role)
    page = await asyncio.to_thread(resources.promotions.waiting, limit=limit, cursor=cursor, tenant=caller.tenant)
    items = [{**pending_payload(promotion), "score": None} for promotion in page.items]
    return {"items": items, "next_cursor": page.next_cursor}


async def search(resources: Resources, caller: Caller, *, query: str, k: int, topic: str | None) -> dict[str, Any]:
    """The k examples most similar to a text, best first; to readers, without those that were riddles."""
    return await asyncio.to_thread(_search, resources, caller, query, k, topic)


async def get_example(resources: Resources, example_id: str, caller: Caller) -> dict[str, Any]:
    """One example; for admins and for whoever promoted it, also one that waits for approval.

    Raises:
        NotFound: There is none of that id that the caller may see.
    """
    return await asyncio.to_thread(_get, resources, example_id, caller)


async def add(resources: Resources, given: ExampleIn, caller: Caller) -> dict[str, Any]:
    """Keep a new example; one of the same content that is there already is given back as it is."""
    example = given.to_example(tenant=caller.tenant)
    return await asyncio.to_thread(lambda: _approved(resources, resources.examples.add(example)))


async def replace(resources: Resources, example_id: str, given: ExampleIn, caller: Caller) -> dict[str, Any]:
    """Put other content under an example's id.

    Raises:
        NotFound: There is none of that id that the caller may change.
    """
    return await asyncio.to_thread(lambda: _approved(resources, _replace(resources, example_id, given, caller)))


async def remove(resources: Resources, example_id: str, caller: Caller) -> None:
    """Remove an example for good, or reject or take back one that waits for approval.

    Raises:
        NotFound: There is none of that id that the caller may change.
    """
    await asyncio.to_thread(_remove, resources, example_id, caller)


async def import_lines(resources: Resources, chunks: AsyncIterable[bytes], caller: Caller) -> dict[str, Any]:
    """Import JSON lines as they arrive."""
    return await Import(resources.examples, caller.tenant).run(chunks)


async def export_lines(resources: Resources, caller: Caller) -> AsyncIterator[bytes]:
    """All examples the caller sees, as JSON lines that an import takes."""
    exported = await asyncio.to_thread(resources.examples.store.export, caller.tenant)
    rows = (example for example in exported if _may_read(example, caller))
    while batch := await asyncio.to_thread(lambda: list(islice(rows, _EXPORTED_AT_ONCE))):
        yield b"".join(encode(example_payload(example)) + b"\n" for example in batch)


def _may_read(example: Example, caller: Caller) -> bool:
    """A promoted riddle may still be played: its example would tell readers the answer."""
    return caller.may("writer") or example.origin != "promoted"


def _approved(resources: Resources, example: Example) -> dict[str, Any]:
    return approved_payloads([example], resources.promotions)[0]


def _list(resources: Resources, caller: Caller, limit: int, cursor: str | None, topic: str | None) -> dict[str, Any]:
    page = resources.examples.store.list(limit=limit, cursor=cursor, topic=topic, tenant=caller.tenant)
    shown = [example for example in page.items if _may_read(example, caller)]
    items = [{**payload, "score": None} for payload in approved_payloads(shown, resources.promotions)]
    return {"items": items, "next_cursor": page.next_cursor}


def _search(resources: Resources, caller: Caller, query: str, k: int, topic: str | None) -> dict[str, Any]:
    found = resources.examples.search(query, k=k, topic=topic, tenant=caller.tenant)
    scores = {scored.example.id: round(scored.score, 4) for scored in found}
    shown = [scored.example for scored in found if _may_read(scored.example, caller)]
    items = [{**payload, "score": scores[payload["id"]]} for payload in approved_payloads(shown, resources.promotions)]
    return {"items": items, "next_cursor": None}


def _get(resources: Resources, example_id: str, caller: Caller) -> dict[str, Any]:
    waiting = _waiting(resources, example_id, caller)
    if waiting is not None:
        return pending_payload(waiting)
    example = _visible(resources, example_id, caller)
    if not _may_read(example, caller):
        raise NotFound("example", example_id)
    return _approved(resources, example)


def _waiting(resources: Resources, example_id: str, caller: Caller) -> Promotion | None:
    """What waits for approval under that id, where the caller promoted it or may decide about it."""
    promotion = resources.promotions.of_example(example_id)
    if promotion is None or promotion.example is None:
        return None
    return promotion if may_see(promotion, caller) else None


def _visible(resources: Resources, example_id: str, caller: Caller) -> Example:
    example = resources.examples.store.get(example_id)
    if not caller.sees(example.tenant):
        raise NotFound("example", example_id)
    return example


def _own(resources: Resources, example_id: str, caller: Caller) -> Example:
    example = _visible(resources, example_id, caller)
    if caller.tenant is not None and example.tenant != caller.tenant:
        raise NotFound("example of your own", example_id)
    return example


def _replace(resources: Resources, example_id: str, given: ExampleIn, caller: Caller) -> Example:
    old = _own(resources, example_id, caller)
    new = given.to_example(tenant=old.tenant, origin=old.origin, example_id=example_id)
    return resources.examples.update(example_id, new)


def _remove(resources: Resources, example_id: str, caller: Caller) -> None:
    if _waiting(resources, example_id, caller) is None:
        _own(resources, example_id, caller)
        resources.examples.remove(example_id)
    resources.promotions.forget(example_id)
