"""`riddlewire batch`: many articles in, their riddles out, and nothing lost or paid twice when it is interrupted."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import NotFound
from service.cli.options import Key, checked_url
from service.cli.running import run, stopped_by_sigterm

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from service.cli.batch_following import Place
    from service.cli.exits import Exit

_BATCH_ID = re.compile(r"bat_[0-9a-f]{32}")


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
    retry: Annotated[
        bool,
        typer.Option(
            "--retry", help="Run again the articles of this batch that failed, or all of it where it was cancelled."
        ),
    ] = False,
    url: Annotated[
        str | None, typer.Option(callback=checked_url, help="Let this Riddlewire server do the work.")
    ] = None,
    key: Key = None,
) -> None:
    """Make the riddles of many articles.

    A line is an object with `text` and, if known, `title`, `url`, `source`, `published_at` and `language`. A line of
    the output is `{"index", "status", "riddle", "error"}`, in the order of the input.

    Interrupted or killed, the same command goes on where it was: no model call that was answered is made again. Other
    batches that wait in the data folder are left alone; see `riddlewire batches`.
    When a daily budget is spent, the command says so and waits for the next one; it may be stopped meanwhile.
    A server that is away, busy or over the key's rate is waited for. Exits with 1 when some articles failed.

    Examples:
    - `riddlewire batch articles.jsonl -o riddles.jsonl`
    - `riddlewire batch articles.jsonl -o riddles.jsonl --retry`
    - `zcat news.jsonl.gz | riddlewire batch - | jq -r .riddle.riddle`
    - `riddlewire batch articles.jsonl -o riddles.jsonl --url https://riddles.example`
    - `riddlewire batch bat_01a22cbdd4bb74f5afbb39b3f4840e00`
    """
    from service.cli.batch_output import check_writable

    check_writable(output)
    known = _BATCH_ID.fullmatch(source) is not None
    asked = source if known else _Sent(_read(source), pipeline)
    opening = _there(url, key) if url else _here(ctx)
    raise typer.Exit(run(stopped_by_sigterm(_work(opening, asked, output, retry=retry))))


@dataclass(frozen=True, slots=True)
class _Sent:
    body: bytes
    pipeline: str | None

    @property
    def name(self) -> str:
        """The same articles for the same pipeline are the same batch."""
        return f"batch-{hashlib.sha256(self.body + b'.' + (self.pipeline or '').encode()).hexdigest()}"

    def name_after(self, cancelled: str) -> str:
        """Unless that batch was cancelled, and they are wanted after all."""
        return f"{self.name}-{cancelled}"


def _read(source: str) -> bytes:
    from service.cli.files import opened

    if source != "-" and not Path(source).exists():
        raise NotFound("file", source)
    with opened(source) as file:
        return file.read()


async def _work(
    opening: AbstractAsyncContextManager[Place], asked: _Sent | str, output: Path | None, *, retry: bool
) -> Exit:
    import asyncio

    from service.cli.batch_following import told_of_end
    from service.cli.terminal import note

    async with opening as place:
        begun = await _begun(place, asked, retry=retry)
        try:
            return told_of_end(await _finished(place, begun, output))
        except asyncio.CancelledError:
            note(place.when_stopped(begun["id"]))
            raise


async def _begun(place: Place, asked: _Sent | str, *, retry: bool) -> dict[str, Any]:
    """The batch as it is now, which may have ended before."""
    if isinstance(asked, str):
        batch = await place.look(asked)
    else:
        batch = await _sent(place, asked, asked.name)
        while retry and batch["status"] == "cancelled":
            batch = await _sent(place, asked, asked.name_after(batch["id"]))
    return await place.retry(batch["id"]) if retry and batch["counts"]["failed"] else batch


async def _sent(place: Place, asked: _Sent, name: str) -> dict[str, Any]:
    """The answer to sending is replayed as it was; only a look tells how the batch is now."""
    return await place.look((await place.send(asked.body, asked.pipeline, name))["id"])


async def _finished(place: Place, batch: dict[str, Any], output: Path | None) -> dict[str, Any]:
    from service.cli.batch_following import followed
    from service.cli.batch_output import write_lines
    from service.cli.eval_progress import progress_bar

    if batch["finished_at"] is None:
        await place.work_on(batch["id"])
        with progress_bar() as bar:
            batch = await followed(place, batch["id"], bar.counts("Riddles"))
    await write_lines(place.results(batch["id"]), output)
    return batch


def _here(ctx: typer.Context) -> AbstractAsyncContextManager[Place]:
    from service.cli.local_batch import here

    return here(ctx)


def _there(url: str, key: str | None) -> AbstractAsyncContextManager[Place]:
    from service.cli.remote_batch import connected

    return connected(url, key)
