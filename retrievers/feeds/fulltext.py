"""From an item to an article: the feed's own text where it is whole, else the page behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from domain import Article
from domain.article import has_visible_text
from domain.errors import FetchError, FetchRefused, InvalidArticle
from retrievers.errors import ServerAnswered
from retrievers.extraction import canonical_link
from retrievers.feeds.apart import ParserGaveUp
from retrievers.feeds.hosts import ASKS_TO_WAIT
from retrievers.feeds.item import (
    MAX_TEXT,
    TEASER,
    FeedItem,
    Skipped,
    clean,
    clean_language,
    clean_line,
    clean_source,
    clean_url,
    plausible,
    weight,
)
from retrievers.feeds.story_url import same_site, story_url
from retrievers.page import HTML, article_of

if TYPE_CHECKING:
    from retrievers.feeds.fetcher import Fetcher
    from retrievers.page import Page

_GONE = frozenset({401, 402, 403, 404, 410, 451})


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An item that has become an article.

    Args:
        key: Of the item.
        article: What a riddle is made of.
        address: As the feed wrote it; None where that tells no story from another.
        is_sure: Whether the story is what stands at that address: its page was read, or the feed is of the same
            publisher. Else a feed only says so, and it could say that of a story of anybody.
        learned: Where the page's address led, or what the page calls itself. Many stories may be given the same.
    """

    key: str
    article: Article
    address: str | None = None
    is_sure: bool = False
    learned: str | None = None

    @property
    def addresses(self) -> frozenset[str]:
        """All that have to do with it."""
        return frozenset(one for one in (self.address, self.learned) if one is not None)


async def complete(
    item: FeedItem,
    fetcher: Fetcher,
    *,
    feed_url: str = "",
    publisher_url: str = "",
    last_try: bool = False,
    is_overdue: bool = False,
) -> Story | Skipped:
    """The article of an item.

    A teaser's page is fetched. Where that fails for good, or the page holds less than the teaser, the teaser is taken
    if it is long enough; after a failure that may pass, the next pull is to try again.

    Args:
        item: From a reading.
        fetcher: Brings the page.
        feed_url: Where the feed is, if that is in a private network: pages of its host may be there, too.
        publisher_url: Where the feed is: texts of its own are believed to be what stands at addresses of that site.
        last_try: Every failure is one for good, except that the host asks to be left alone for a while.
        is_overdue: It has asked for that long enough: this is one for good, too.
    """
    found = await _completed(item, fetcher, feed_url, last_try, is_overdue)
    if isinstance(found, Story) and item.url is not None and same_site(item.url, publisher_url):
        return replace(found, is_sure=True)
    return found


async def _completed(
    item: FeedItem, fetcher: Fetcher, feed_url: str, last_try: bool, is_overdue: bool
) -> Story | Skipped:
    if item.is_whole:
        return _story(item)
    if item.url is None:
        return _teaser(item, "it has no page to fetch")
    try:
        page = await fetcher.page(item.url, feed_url=feed_url)
        return await fetcher.apart.run(_of_page, item, page)
    except FetchError as error:
        return _failed(item, error, last_try, is_overdue)
    except ParserGaveUp as error:  # of the page, or of a machine that was too busy: only a few more tries tell
        return _failed(item, FetchError(item.url, f"its page cannot be read ({error.reason})"), last_try, is_overdue)
    except Exception as error:  # noqa: BLE001 -- pages trip parsers in ways nobody lists; one must not stop its feed
        return _teaser(item, f"its page cannot be read ({type(error).__name__})")


def _failed(item: FeedItem, error: FetchError, last_try: bool, is_overdue: bool) -> Story | Skipped:
    waits = _asks_to_wait(error)
    is_final = is_overdue if waits else last_try or not _may_pass(error)
    if is_final:
        return _teaser(item, error.reason)
    return Skipped(key=item.key, url=item.url, title=item.title, reason=error.reason, again=True, is_try=not waits)


def _asks_to_wait(error: FetchError) -> bool:
    return isinstance(error, ServerAnswered) and error.status in ASKS_TO_WAIT


def _may_pass(error: FetchError) -> bool:
    if isinstance(error, ServerAnswered):
        return error.status not in _GONE
    return not isinstance(error, FetchRefused)


def _of_page(item: FeedItem, page: Page) -> Story | Skipped:
    try:
        found = article_of(page)
    except FetchError as error:
        return _teaser(item, error.reason)
    if weight(found.text) < max(TEASER, weight(item.text)):
        return _teaser(item, "its page has less text than the feed")
    address = _own_address(page)
    filled = replace(
        item,
        text=clean(found.text),
        title=item.title or clean_line(found.title),
        url=clean_url(address) or item.url,
        source=item.source or clean_source(found.source),
        published_at=item.published_at or plausible(found.published_at),
        language=item.language or clean_language(found.language),
    )
    return _story(filled, learned=story_url(address), is_sure=True)


def _own_address(page: Page) -> str:
    """What the page calls its address, when that is one of the same publisher: anybody could claim another's."""
    named = clean_url(canonical_link(page.body, page.url)) if page.content_type in HTML else None
    return named if named and story_url(named) and same_site(named, page.url) else page.url


def _story(item: FeedItem, *, learned: str | None = None, is_sure: bool = False) -> Story | Skipped:
    if not has_visible_text(item.text):
        return Skipped(key=item.key, url=item.url, title=item.title, reason="it has no text")
    if len(item.text) > MAX_TEXT:
        reason = f"it is longer than {MAX_TEXT:,} letters, which no news is"
        return Skipped(key=item.key, url=item.url, title=item.title, reason=reason)
    try:
        article = Article(
            text=item.text,
            title=item.title,
            url=item.url,
            source=item.source,
            published_at=item.published_at,
            language=item.language,
        )
    except InvalidArticle as error:
        return Skipped(key=item.key, url=item.url, title=item.title, reason=str(error))
    more = learned if learned != item.identity else None
    return Story(key=item.key, article=article, address=item.identity, is_sure=is_sure, learned=more)


def _teaser(item: FeedItem, reason: str) -> Story | Skipped:
    if weight(item.text) >= TEASER:
        return _story(item)
    return Skipped(
        key=item.key, url=item.url, title=item.title, reason=f"its text in the feed is too short, and {reason}"
    )
