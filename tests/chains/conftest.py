"""Fixtures shared by the chains' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrievers import open_examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrievers import Examples


@pytest.fixture(scope="session")
def shipped_examples() -> Iterator[Examples]:
    """The 480 shipped examples, indexed in memory."""
    with open_examples() as examples:
        yield examples
