"""`riddlewire feeds`: where articles come from by themselves. Works beside a running server."""

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from domain.errors import RiddlewireError
from service.cli.options import AsJson, settings_of
from service.cli.running import run
from service.cli.terminal import fail, note, print_json, print_table, working

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.feeds.feeds import Feeds
    from service.feeds.report import PullReport
    from service.storage.feed_rows import Feed

    _Pulled = tuple[list[tuple[str, PullReport]], list[tuple[str, RiddlewireError]]]

app = typer.Typer(
    no_args_is_help=True,
    help="Feeds: RSS and Atom, NewsAPI, JSON lines, document loaders. Each story is riddled once.",
)

_PAGE = 100


@app.command()
def add(
    ctx: typer.Context,
    source: Annotated[
        str | None, typer.Argument(metavar="URL|FILE|LOADER", help="Where the feed is, or the loader's class name.")
    ] = None,
    *,
    sample: Annotated[bool, typer.Option("--sample", help="The feed that ships, which needs no network.")] = False,
    kind: Annotated[
        Literal["rss", "newsapi", "jsonl", "loader"], typer.Option(help="How it is read; rss reads Atom too.")
    ] = "rss",
    schedule: Annotated[
        str | None, typer.Option(help="Five fields of cron, such as '0 6 * * *'. Without: only when asked.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="The zone that the schedule means.")] = "UTC",
    pipeline: Annotated[str | None, typer.Option(help="By default the service's.")] = None,
    api_key: Annotated[
        str | None, typer.Option(help="For newsapi: the name of a key in RIDDLEWIRE_FEEDS_API_KEYS.")
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Option("--arg", metavar="NAME=VALUE", help="For a loader; a value may be JSON."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a feed and print its id. Running servers pull it by its schedule.

    Examples:
    - `riddlewire feeds add https://news.example/rss.xml --schedule "*/30 * * * *"`
    - `riddlewire feeds add --sample`
    - `riddlewire feeds add --kind loader TextLoader --arg file_path=/srv/news.txt`
    """
    from service.storage.feed_rows import FeedSpec

    where = _where(source, sample=sample)
    spec = FeedSpec(
        kind=kind,
        url=None if kind == "loader" else where,
        loader=where if kind == "loader" else None,
        arguments=dict(map(_argument, arguments or ())),
        api_key=api_key,
        schedule=schedule,
        timezone=timezone,
        pipeline=pipeline,
        by_operator=True,
    )
    with _feeds(ctx) as feeds:
        feed = run(feeds.add(spec))
    if as_json:
        print_json(_payload(feed, {}))
    else:
        typer.echo(feed.id)


@app.command("list")
def list_feeds(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all feeds, newest first, and how their last pulls went.

    Example: `riddlewire feeds list --json`
    """
    with _feeds(ctx) as feeds:
        found = list(_listed(feeds))
        counts = feeds.repository.counts([feed.id for feed in found])
    if as_json:
        print_json([_payload(feed, counts[feed.id]) for feed in found])
        return
    columns = ("id", "kind", "source", "schedule", "last pull", "next pull", "riddled")
    print_table(columns, (_row(feed, counts[feed.id]) for feed in found))
    for feed in found:
        if feed.last_error:
            note(f"{feed.id}: {feed.last_error}")


@app.command()
def pull(
    ctx: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="See `riddlewire feeds list`.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All feeds, one after the other.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pull feeds now. What is new becomes a batch of riddles.

    Examples:
    - `riddlewire feeds pull feed_0190`
    - `riddlewire feeds pull --all --json`
    """
    if bool(ids) == every:
        raise typer.BadParameter("names feeds, or takes --all", ctx=ctx, param_hint="ID...")
    reports, failed = run(_pulled(ctx, ids or []))
    if as_json:
        print_json([_report(feed_id, report) for feed_id, report in reports])
    else:
        for feed_id, report in reports:
            _tell(feed_id, report)
    for feed_id, error in failed[:-1]:
        fail(f"{feed_id}: {error}")
    if failed:
        raise failed[-1][1]


@app.command()
def remove(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="See `riddlewire feeds list`.")],
) -> None:
    """Remove feeds. Their riddles stay; a feed that is added again begins anew.

    Example: `riddlewire feeds remove feed_0190`
    """
    with _feeds(ctx) as feeds:
        for feed_id in ids:
            feeds.repository.remove(feed_id)
            note(f"{feed_id} is removed.")


def _where(source: str | None, *, sample: bool) -> str:
    from retrievers.feeds.reading import SAMPLE

    if sample == (source is not None):
        raise typer.BadParameter("says where the feed is, unless --sample does", param_hint="URL|FILE|LOADER")
    return source or SAMPLE


def _argument(text: str) -> tuple[str, Any]:
    name, given, value = text.partition("=")
    if not name or not given:
        raise typer.BadParameter(f"takes NAME=VALUE, not {text!r}", param_hint="--arg")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@contextmanager
def _feeds(ctx: typer.Context) -> "Iterator[Feeds]":
    from prompts import Catalog
    from service.cli.database import opened_engine
    from service.feeds.opening import open_feeds

    settings = settings_of(ctx)
    with opened_engine(settings) as engine:
        yield open_feeds(settings, engine, check_pipeline=Catalog(settings.home).pipeline)


def _listed(feeds: "Feeds") -> "Iterator[Feed]":
    cursor = None
    while True:
        page = feeds.repository.list(limit=_PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


async def _pulled(ctx: typer.Context, ids: list[str]) -> "_Pulled":
    """The reports by feed, and the errors: one feed that fails keeps none of the others back."""
    from service.cli.local import opened

    reports: list[tuple[str, PullReport]] = []
    failed: list[tuple[str, RiddlewireError]] = []
    async with opened(ctx) as resources:
        for feed_id in ids or [feed.id for feed in _listed(resources.feeds)]:
            try:
                with working(f"Pulling {feed_id} …"):
                    reports.append((feed_id, await resources.feeds.pull(feed_id)))
            except RiddlewireError as error:
                failed.append((feed_id, error))
    return reports, failed


def _payload(feed: "Feed", counts: dict[str, int]) -> dict[str, Any]:
    from service.feeds.schemas import feed_payload

    return feed_payload(feed, counts)


def _report(feed_id: str, report: "PullReport") -> dict[str, Any]:
    from service.feeds.schemas import entries_payload

    batch = {"id": report.batch_id} if report.batch_id else None
    return {"feed": feed_id, "batch": batch, "entries": entries_payload(report)}


def _row(feed: "Feed", counts: dict[str, int]) -> tuple[str, ...]:
    last = f"{feed.last_pull_at:%Y-%m-%d %H:%M} {feed.last_status}" if feed.last_pull_at else "-"
    following = f"{feed.next_pull_at:%Y-%m-%d %H:%M}" if feed.next_pull_at else "-"
    source = feed.spec.url or feed.spec.loader or ""
    return feed.id, feed.spec.kind, source, feed.spec.schedule or "-", last, following, str(counts.get("riddled", 0))


def _tell(feed_id: str, report: "PullReport") -> None:
    if report.is_unchanged:
        note(f"{feed_id}: nothing changed since the last pull.")
    for skip in report.skipped:
        note(f"skipped {skip.title or skip.url or 'an entry'}: {skip.reason}{' (tried again)' if skip.again else ''}")
    if report.left:
        note(f"{report.left} more are left for the next pull.")
    counted = f"{report.new} new, {report.known} known, {report.duplicate} duplicate, {len(report.skipped)} skipped"
    typer.echo("\t".join((feed_id, report.batch_id or "-", counted)))
    if report.batch_id:
        note(f"The running service makes the riddles; where there is none: riddlewire batch {report.batch_id}")
