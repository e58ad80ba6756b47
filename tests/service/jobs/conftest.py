from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.jobs.lab import reply
from tests.support.openai_stub import Behaviour, OpenAIStub

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def provider() -> Iterator[OpenAIStub]:
    """A model that takes a while and says of which article it was asked."""
    with OpenAIStub(reply=reply, default=Behaviour(delay_s=0.15)) as stub:
        yield stub
