from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain import Example
from prompts import Catalog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="session")
def builtin() -> Catalog:
    return Catalog()


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return [
        Example(
            headline="Library book returned after 61 years",
            article="A novel came back to the library of Oakford on Monday.\n\nIt had been due in 1963.",
            summary="A novel due in 1963 was returned to the library of Oakford.",
            answer="an overdue library book",
            riddle="I left for a fortnight\nand stayed for a lifetime.\nMy shelf had forgotten my name.",
            hints=("Someone was late.", "The fine would have been enormous."),
            topic="culture",
        ),
        Example(
            headline="Bees delay the 8.15 to Harwell",
            article="A swarm settled on a signal outside Harwell and trains waited two hours.",
            summary="Trains to Harwell waited two hours because bees had settled on a signal.",
            answer="a swarm on a signal",
            riddle="A thousand travellers without a ticket\nsat down where the light should show.",
            hints=("They hum.",),
            topic="transport",
        ),
    ]
