"""`riddlewire batch`: many articles in, their riddles out, and nothing lost or paid twice when it is interrupted."""

from __future__ import annotations

import hashlib
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from domain.errors import NotFound
from service.cli.exits import Exit
from service.cli.options import Key  # noqa: TC001 -- typer reads the annotations
from service.cli.running import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from service.resources import Resources

_LOOK_EVERY_S = 0.5
_BATCH_ID = re.compile(r"bat_[0-9a-f]{32}")


class _Place(Protocol):
    """Where a batch is worked on."""

    async def send(self, body: bytes, pipeline: str | None, name: str) -> dict[str, Any]: ...

    async def look(self, batch_id: str) -> dict[str, Any]: ...

    def results(self, batch_id: str) -> AsyncIterator[bytes]: ...


def batch(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-|BATCH", help="Articles as JSON lines, - for standard input, or the id of a batch there is."
        ),
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the riddles go, as JSON lines; else standard output.")
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", "-p", help="Who makes them; see `riddlewire pipelines list`.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Let this Riddlewire server do the work.")] = None,
    key: Key = None,
) -> None:
    """Make the riddles of many articles.

    A line is an object with `text` and, if known, `title`, `url`, `source`, `published_at` and `language`. A line of
    the output is `{"index", "status", "riddle", "error"}`, in the order of the input.

    Interrupted or killed, the same command goes on where it was: no model call that was answered is made again.
    When a daily budget is spent, the command says so and waits for the next one; it may be stopped meanwhile.
    Exits with 1 when some articles failed.

    Examples:
    - `riddlewire batch articles.jsonl -o riddles.jsonl`
    - `zcat news.jsonl.gz | riddlewire batch - | jq -r .riddle.riddle`
    - `riddlewire batch articles.jsonl -o riddles.jsonl --url https://riddles.example`
    - `riddlewire batch bat_01a22cbdd4bb74f5afbb39b3f4840e00`
    """
    from service.cli.batch_output import check_writable

    check_writable(output)
    place = _there(url, key) if url else _here(ctx)
    known = _BATCH_ID.fullmatch(source) is not None
    asked = source if known else _Sent(_read(source), pipeline)
    raise typer.Exit(run(_work(place, asked, output)))


@dataclass(frozen=True, slots=True)
class _Sent:
    body: bytes
    pipeline: str | None

    @property
    def name(self) -> str:
        """The same articles for the same pipeline are the same batch."""
        return f"batch-{hashlib.sha256(self.body + b'.' + (self.pipeline or '').encode()).hexdigest()}"


def _read(source: str) -> bytes:
    from service.cli.files import opened

    if source != "-" and not Path(source).exists():
        raise NotFound("file", source)
    with opened(source) as file:
        return file.read()


async def _work(opening: Any, asked: _Sent | str, output: Path | None) -> Exit:
    from service.cli.batch_output import write_lines
    from service.cli.eval_progress import progress_bar

    async with opening as place:
        if isinstance(asked, str):
            begun = await place.look(asked)
        else:
            begun = await place.send(asked.body, asked.pipeline, asked.name)
        with progress_bar() as bar:
            done = await _followed(place, begun, bar.counts("Riddles"))
        await write_lines(place.results(begun["id"]), output)
    return _told(done["counts"])


async def _followed(place: _Place, batch: dict[str, Any], show: Callable[[int, int], None]) -> dict[str, Any]:
    import asyncio

    told = None
    while True:
        batch = await place.look(batch["id"])
        counts = batch["counts"]
        show(counts["total"] - counts["queued"] - counts["running"], counts["total"])
        told = _tell_of_deferred(batch.get("deferred"), told)
        if batch["finished_at"] is not None:
            return batch
        await asyncio.sleep(_LOOK_EVERY_S)


def _tell_of_deferred(deferred: dict[str, Any] | None, told: list[str] | None) -> list[str] | None:
    """Say once why articles wait, and again when it is for another budget or they had gone on. What was told last."""
    from service.cli.terminal import note

    if deferred is None:
        return None
    if deferred["budgets"] != told:
        note(f"{deferred['detail']}; this command may be stopped, and the same one goes on")
    return list(deferred["budgets"])


def _told(counts: dict[str, int]) -> Exit:
    from service.cli.terminal import note

    words = {"published": "published", "needs_review": "for review", "failed": "failed", "cancelled": "cancelled"}
    told = ", ".join(f"{counts[status]:,} {word}" for status, word in words.items() if counts[status])
    note(f"{counts['total']:,} articles: {told}")
    return Exit.FAILED if counts["failed"] else Exit.OK


@asynccontextmanager
async def _here(ctx: typer.Context) -> AsyncIterator[_Place]:
    from service.cli.local import opened

    async with opened(ctx, do_jobs=True) as resources:
        yield _Here(resources)


@asynccontextmanager
async def _there(url: str, key: str | None) -> AsyncIterator[_Place]:
    from service.cli.remote_batch import connected

    async with connected(url, key) as place:
        yield place


class _Here:
    """In this process, on the data folder."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def send(self, body: bytes, pipeline: str | None, name: str) -> dict[str, Any]:
        import orjson

        from service.auth import LOCAL
        from service.batches.reading import articles_of_lines
        from service.batches.service import Accepted, BatchOrder, accept
        from service.riddles.claims import KeyUse

        order = BatchOrder(articles=articles_of_lines(body), pipeline=pipeline)
        taken = await accept(self._resources, order, caller=LOCAL, key=KeyUse.of(name, body))
        told: dict[str, Any] = orjson.loads(taken.body if isinstance(taken, Accepted) else taken.replay.body)
        return told

    async def look(self, batch_id: str) -> dict[str, Any]:
        import asyncio

        from service.batches.payload import batch_payload

        return batch_payload(await asyncio.to_thread(self._resources.batches.get, batch_id))

    def results(self, batch_id: str) -> AsyncIterator[bytes]:
        from service.batches.service import result_lines

        return result_lines(self._resources, batch_id)
