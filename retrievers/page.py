"""What a web server gave, and the article in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain import Article
from domain.errors import FetchError
from retrievers.extraction import extract_article

if TYPE_CHECKING:
    from collections.abc import Mapping

HTML = frozenset({"text/html", "application/xhtml+xml"})
OK = 200
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Page:
    """What a server gave.

    Args:
        url: Where it was in the end, after redirects.
        content_type: Without parameters; empty where there is no body.
        charset: As the header says.
        body: Decompressed.
        status: 200; 304 for a request that asked whether something had changed.
        headers: Of the answer, names in lower case.
        is_private: Every address that was connected to is one that not everybody on the internet could reach.
    """

    url: str
    content_type: str
    charset: str | None
    body: bytes
    status: int = OK
    headers: Mapping[str, str] = field(default_factory=dict)
    is_private: bool = False

    @property
    def is_unchanged(self) -> bool:
        """Whether the server says that nothing changed since the last time."""
        return self.status == NOT_MODIFIED

    @property
    def text(self) -> str:
        """The body in the header's charset, or UTF-8; what cannot be read becomes U+FFFD."""
        try:
            return self.body.decode(self.charset or "utf-8", errors="replace")
        except LookupError:  # a charset nobody knows
            return self.body.decode("utf-8", errors="replace")


def article_of(page: Page) -> Article:
    """The article in a page. Takes 5 to 50 ms of CPU.

    Raises:
        FetchError: There is none.
    """
    if page.content_type in HTML:
        found = extract_article(page.text if page.charset else page.body, page.url)
    else:
        found = Article(text=page.text, url=page.url) if page.text.strip() else None
    if found is None:
        raise FetchError(page.url, "the page has no article text")
    return found
