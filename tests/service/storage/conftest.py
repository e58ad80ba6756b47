from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.storage.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    made = Desk(engine)
    yield made
    made.writer.close()
