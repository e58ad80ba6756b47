"""The store of examples while its database is away: the error is SQLAlchemy's, for which callers know how to wait."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from retrievers.store import ExampleStore
from service.storage.engine import open_engine


def test_a_database_that_cannot_be_reached_is_told_as_sqlalchemy_tells_it() -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(OperationalError, match="refused"):
        ExampleStore(engine).revision()
