"""What /v1/examples does, without HTTP's shapes. A change is in the database when the answer leaves."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any

from domain.errors import NotFound
from service.answers import encode
from service.examples.importing import Import
from service.examples.schemas import example_payload, found_payload

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from domain.example import Example
    from service.auth import Caller
    from service.examples.schemas import ExampleIn
    from service.resources import Resources

_EXPORTED_AT_ONCE = 200


async def list_examples(
    resources: Resources, caller: Caller, *, limit: int, cursor: str | None, topic: str | None
) -> dict[str, Any]:
    """A page of examples.

    Raises:
        InvalidInput: The cursor is not one of ours.
    """
    store = resources.examples.store
    page = await asyncio.to_thread(store.list, limit=limit, cursor=cursor, topic=topic, tenant=caller.tenant)
    items = [{**example_payload(example), "score": None} for example in page.items]
    return {"items": items, "next_cursor": page.next_cursor}


async def search(resources: Resources, caller: Caller, *, query: str, k: int, topic: str | None) -> dict[str, Any]:
    """The k examples most similar to a text, best first."""
    found = await asyncio.to_thread(resources.examples.search, query, k=k, topic=topic, tenant=caller.tenant)
    return {"items": [found_payload(scored) for scored in found], "next_cursor": None}


async def get_example(resources: Resources, example_id: str, caller: Caller) -> dict[str, Any]:
    """One example.

    Raises:
        NotFound: There is none of that id that the caller may see.
    """
    return example_payload(await asyncio.to_thread(_visible, resources, example_id, caller))


async def add(resources: Resources, given: ExampleIn, caller: Caller) -> dict[str, Any]:
    """Keep a new example; one of the same content that is there already is given back as it is."""
    example = given.to_example(tenant=caller.tenant)
    return example_payload(await asyncio.to_thread(resources.examples.add, example))


async def replace(resources: Resources, example_id: str, given: ExampleIn, caller: Caller) -> dict[str, Any]:
    """Put other content under an example's id.

    Raises:
        NotFound: There is none of that id that the caller may change.
    """
    return example_payload(await asyncio.to_thread(_replace, resources, example_id, given, caller))


async def remove(resources: Resources, example_id: str, caller: Caller) -> None:
    """Remove an example for good.

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
    rows = iter(exported)
    while batch := await asyncio.to_thread(lambda: list(islice(rows, _EXPORTED_AT_ONCE))):
        yield b"".join(encode(example_payload(example)) + b"\n" for example in batch)


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
    _own(resources, example_id, caller)
    resources.examples.remove(example_id)
