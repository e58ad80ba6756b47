"""The article in a web page: title, text, date and publisher."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from domain import Article


def extract_article(page: bytes | str, url: str | None = None) -> Article | None:
    """What a reader would call the article, or None when the page has none. Takes 5 to 50 ms of CPU.

    Args:
        page: HTML.
        url: Where it was found: becomes the article's, unless the page names its canonical one.
    """
    import trafilatura

    found: Any = trafilatura.bare_extraction(
        page, url=url, with_metadata=True, include_comments=False, include_tables=False
    )
    if found is None or not (text := _paragraphs(found.text or "", found.title)):
        return None
    return Article(
        text=text,
        title=found.title or None,
        url=url or found.url or None,
        source=found.sitename or found.hostname or None,
        published_at=parse_time(found.date),
        language=found.language or None,
    )


def canonical_link(page: bytes, url: str) -> str | None:
    """The address that a page names as its own (`rel=canonical`), made absolute; None where it names none.

    Args:
        page: HTML.
        url: Where it was.
    """
    import lxml.html
    from lxml import etree

    try:
        found = lxml.html.document_fromstring(page, base_url=url).xpath("//head/link[@rel='canonical']/@href")
        return urljoin(url, str(found[0])) if found else None
    except (etree.LxmlError, ValueError):
        return None


def _paragraphs(text: str, title: str | None) -> str:
    """One paragraph a line becomes one between blank lines; the title is not repeated."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].strip() == title:
        del lines[0]
    return "\n\n".join(lines)


def parse_time(text: str | None) -> datetime | None:
    """An ISO 8601 date or time; UTC where no zone is given, None where nothing can be read."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
