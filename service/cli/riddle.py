"""`riddlewire riddle`: one article in, one riddle out, told while it is made."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.articles import read
from service.cli.exits import Exit
from service.cli.options import Key, checked_url
from service.cli.running import run

if TYPE_CHECKING:
    from domain.article import Article

Events = AsyncIterator[tuple[str, dict[str, Any]]]


def riddle(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="The article; - reads standard input.")],
    *,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", "-p", help="Who makes it; see `riddlewire pipelines list`.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The headline, where the source does not tell it.")] = None,
    topic: Annotated[str | None, typer.Option(help="Prefer examples of this topic, such as weather.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show first what is retrieved and why, and what the model is sent.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, the same as the HTTP answer, and nothing else.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask models anew, also what they have answered before.")
    ] = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Let an article's URL lead into your own network.")
    ] = False,
    url: Annotated[str | None, typer.Option(callback=checked_url, help="Let this Riddlewire server make it.")] = None,
    key: Key = None,
) -> None:
    """Make a riddle of a news article.

    Shows the examples that were retrieved, the summary, the riddle as it is written, the checks, the hints and, last,
    the answer. Exits with 3 when a check refuses the riddle, with 4 when the model's provider fails.

    Examples:
    - `riddlewire riddle article.txt`
    - `riddlewire riddle https://example.org/news/1 --pipeline openai`
    - `curl -s localhost/article.txt | riddlewire riddle - --json | jq -r .riddle`
    - `riddlewire riddle article.txt --url http://127.0.0.1:8000`
    """
    if url and (explain or topic):
        raise typer.BadParameter("--explain and --topic work on local examples, not with --url.")
    article = read(source, title, allow_private=allow_private)
    work = _Work(article, pipeline=pipeline, topic=topic, explain=explain, as_json=as_json, fresh=fresh)
    raise typer.Exit(run(work.there(url, key) if url else work.here(ctx)))


class _Work:
    def __init__(
        self,
        article: "Article",
        *,
        pipeline: str | None,
        topic: str | None,
        explain: bool,
        as_json: bool,
        fresh: bool,
    ) -> None:
        self._article = article
        self._pipeline = pipeline
        self._topic = topic
        self._explain = explain
        self._as_json = as_json
        self._fresh = fresh

    async def here(self, ctx: typer.Context) -> Exit:
        from chains.models.scope import CallScope, in_scope
        from service.cli.local import local_events, opened

        async with opened(ctx) as resources:
            explanation = None
            if self._explain:
                explanation = await self._explained(resources)
            events = local_events(resources, self._article, pipeline=self._pipeline, topic=self._topic)
            with in_scope(CallScope(cache="refresh" if self._fresh else "use")):
                return await self._told(events, explanation)

    async def there(self, url: str, key: str | None) -> Exit:
        from service.cli.remote import remote_events

        events = remote_events(self._article, url=url, key=key, pipeline=self._pipeline, fresh=self._fresh)
        return await self._told(events, None)

    async def _explained(self, resources: Any) -> dict[str, Any]:
        from service.cli.explanation import print_explanation
        from service.pipelines.schemas import explanation_payload

        found = await resources.pipeline(self._pipeline).explain(self._article, topic=self._topic)
        explanation = explanation_payload(found)
        if not self._as_json:
            print_explanation(explanation)
        return explanation

    async def _told(self, events: Events, explanation: dict[str, Any] | None) -> Exit:
        result = await (_collected(events) if self._as_json else _shown(events))
        if self._as_json:
            from service.cli.terminal import print_json

            print_json(result | ({"explanation": explanation} if explanation else {}))
        return Exit.OK if result["status"] == "published" else Exit.NEEDS_REVIEW


async def _shown(events: Events) -> dict[str, Any]:
    from service.cli.story import Story
    from service.cli.terminal import out

    result: dict[str, Any] = {}
    with Story(out()) as story:
        async with aclosing(events) as told:  # type: ignore[type-var]  # both of ours are generators
            async for name, data in told:
                story.tell(name, data)
                result = data
    return result


async def _collected(events: Events) -> dict[str, Any]:
    from service.cli.terminal import working

    result: dict[str, Any] = {}
    with working("Making the riddle …"):
        async for _name, data in events:
            result = data
    return result
