"""The article a command is about: from a file, standard input or a URL."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from service.cli.terminal import note, working

if TYPE_CHECKING:
    from domain.article import Article


def read(source: str, title: str | None = None, *, allow_private: bool = False) -> Article:
    """Read the article that a person named.

    Args:
        source: A file, a URL, or `-` for standard input.
        title: Takes the place of the one that the source tells.
        allow_private: Whether a URL may lead into a private network, and to any port.

    Raises:
        NotFound: There is no such file.
        InvalidArticle: There is no text in it.
        FetchError: The URL leads to no article.
    """
    from retrievers.fetch import FetchPolicy
    from retrievers.sources import read_article

    if source == "-" and sys.stdin.isatty():
        note("Type or paste the article; end with Ctrl-D.")
    with working(f"Reading {source} …"):
        policy = FetchPolicy(allow_private=True, ports=None) if allow_private else FetchPolicy()
        article = read_article(source, policy=policy)
    return replace(article, title=title) if title else article
