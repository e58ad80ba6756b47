"""`riddlewire batches`: those there are, and stopping or repeating one. Works beside a running server, and alone."""

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from service.cli.options import AsJson, Key, checked_url, settings_of
from service.cli.running import run
from service.cli.terminal import note, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractContextManager

    from service.cli.local_batch import StoredBatches
    from service.cli.remote_batch import RemoteBatches
    from service.storage.batches import BatchRepository

app = typer.Typer(no_args_is_help=True, help="Batches: those of the data folder, and stopping or repeating one.")

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="See `riddlewire batches list`.")]
Url = Annotated[str | None, typer.Option(callback=checked_url, help="Batches of this Riddlewire server.")]

_MOST = 1000


@app.command("list")
def list_batches(
    ctx: typer.Context,
    *,
    only_open: Annotated[bool, typer.Option("--open", help="Only those with articles that wait or are made.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=_MOST, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List batches, newest first, and how far each is.

    `riddlewire batch ID` goes on with one, and gives its riddles.

    Example: `riddlewire batches list --open`
    """
    from service.batches.payload import batch_payload

    with _stored(ctx) as batches:
        found = [batch_payload(batch) for batch in batches.newest(only_open=only_open, limit=limit)]
    if as_json:
        print_json(found)
        return
    if not found:
        note("No batch is open." if only_open else "There are no batches.")
    columns = ("id", "created", "status", "pipeline", "articles", "waiting", "running", "failed")
    print_table(columns, map(_row, found))


@app.command()
def cancel(ctx: typer.Context, ids: Ids, url: Url = None, key: Key = None) -> None:
    """Stop what has not started; what is done stays, and `riddlewire batch ID` still gives it.

    Examples:
    - `riddlewire batches cancel bat_01a22cbdd4bb74f5afbb39b3f4840e00`
    - `riddlewire batches cancel bat_01a22cbdd4bb74f5afbb39b3f4840e00 --url https://riddles.example`
    """
    for batch in run(_changed(ctx, "cancel", ids, url, key)):
        note(f"{batch['id']} is cancelled; {batch['counts']['cancelled']:,} articles will not be made.")


@app.command()
def retry(ctx: typer.Context, ids: Ids, url: Url = None, key: Key = None) -> None:
    """Run the failed articles again; `riddlewire batch ID --retry` does so too, and waits for them.

    Example: `riddlewire batches retry bat_01a22cbdd4bb74f5afbb39b3f4840e00`
    """
    for batch in run(_changed(ctx, "retry", ids, url, key)):
        waiting = batch["counts"]["queued"] + batch["counts"]["running"]
        if not waiting:
            note(f"{batch['id']}: none failed.")
            continue
        note(f"{batch['id']}: {waiting:,} articles wait. The service makes them; where none runs: {_go_on(batch, url)}")


async def _changed(
    ctx: typer.Context, change: Literal["cancel", "retry"], ids: list[str], url: str | None, key: str | None
) -> list[dict[str, Any]]:
    async with _there(url, key) if url else _here(ctx) as batches:
        do = batches.cancel if change == "cancel" else batches.retry
        return [await do(batch_id) for batch_id in ids]


def _go_on(batch: dict[str, Any], url: str | None) -> str:
    return f"riddlewire batch {batch['id']}" + (f" --url {url}" if url else "")


@asynccontextmanager
async def _here(ctx: typer.Context) -> "AsyncIterator[StoredBatches]":
    from service.cli.local_batch import StoredBatches

    with _stored(ctx) as batches:
        yield StoredBatches(batches, settings_of(ctx).jobs)


@asynccontextmanager
async def _there(url: str, key: str | None) -> "AsyncIterator[RemoteBatches]":
    from service.cli.remote_batch import connected

    async with connected(url, key) as batches:
        yield batches


def _stored(ctx: typer.Context) -> "AbstractContextManager[BatchRepository]":
    from contextlib import contextmanager

    from service.batches.announcing import announcer
    from service.cli.database import opened_engine
    from service.storage.batches import BatchRepository

    @contextmanager
    def opened() -> "Iterator[BatchRepository]":
        with opened_engine(settings_of(ctx)) as engine:
            batches = BatchRepository(engine)
            batches.on_batch_finished = announcer(batches)
            yield batches

    return opened()


def _row(batch: dict[str, Any]) -> tuple[str, ...]:
    counts = batch["counts"]
    told = (str(counts[name]) for name in ("total", "queued", "running", "failed"))
    return batch["id"], f"{batch['created_at']:%Y-%m-%d %H:%M}", batch["status"], batch["pipeline"], *told
