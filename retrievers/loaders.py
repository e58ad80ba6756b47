"""Articles through the document loaders of langchain-community; nothing else here imports that package.

It is sunset upstream and warns about that on import. Whoever names a loader has decided to use it, so the warning is
kept away from its users.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from domain import Article
from domain.article import has_visible_text
from domain.errors import ConfigurationError, NotFound
from retrievers.extraction import parse_time
from retrievers.feeds.item import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from langchain_core.document_loaders import BaseLoader


class InvalidLoader(ConfigurationError):
    """A loader that cannot be made with these arguments, or whose own package is missing."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"cannot use document loader {name}: {reason}")


def load_documents(name: str, **arguments: Any) -> Iterator[Article]:
    """Articles as a loader gives them, one by one; documents without text are skipped.

    Args:
        name: Of the class, such as `RSSFeedLoader` or `NewsURLLoader`.
        **arguments: For the class. Only an operator should choose them: loaders read files and go anywhere.

    Raises:
        NotFound: langchain-community has no such loader.
        InvalidLoader: It refuses the arguments, or needs a package that is not installed.
    """
    loader = _make(name, arguments)
    for document in loader.lazy_load():
        if has_visible_text(document.page_content):
            yield _article(document.page_content, document.metadata)


def check_loader(name: str) -> None:
    """Say when there is no loader of that name. The first time takes a second of imports.

    Raises:
        NotFound: langchain-community has no such loader.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community import document_loaders

    if name not in document_loaders.__all__:
        raise NotFound("document loader", name)


def _make(name: str, arguments: dict[str, Any]) -> BaseLoader:
    check_loader(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community import document_loaders

        try:
            loader: BaseLoader = getattr(document_loaders, name)(**arguments)
        except ImportError as error:
            raise InvalidLoader(name, str(error)) from error
        except (TypeError, ValueError) as error:  # pydantic's refusals are ValueErrors
            raise InvalidLoader(name, str(error)) from error
    return loader


def _article(text: str, metadata: Mapping[str, Any]) -> Article:
    return Article(
        text=clean(text),
        title=_text(metadata, "title"),
        url=_text(metadata, "link", "url", "source"),
        source=_text(metadata, "feed", "publisher", "sitename"),
        published_at=_time(metadata.get("publish_date") or metadata.get("published") or metadata.get("date")),
        language=_text(metadata, "language"),
    )


def _text(metadata: Mapping[str, Any], *names: str) -> str | None:
    return next((clean(str(metadata[name])) for name in names if metadata.get(name)), None)


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return parse_time(value) if isinstance(value, str) else None
