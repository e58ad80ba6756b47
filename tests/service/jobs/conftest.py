from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.jobs.lab import reply
from tests.service.jobs.work_lab import Lab
from tests.support.openai_stub import Behaviour, OpenAIStub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def provider() -> Iterator[OpenAIStub]:
    """A model that takes a while and says of which article it was asked."""
    with OpenAIStub(reply=reply, default=Behaviour(delay_s=0.15)) as stub:
        yield stub


@pytest.fixture
def lab(engine: Engine) -> Iterator[Lab]:
    made = Lab(engine)
    yield made
    made.writer.close()
