"""The default pipeline as a newcomer gets it: the embedded model, real news, real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.riddles.schemas import RiddleOut
from tests.service.http.conftest import Live, serving, settings_for
from tests.service.http.test_streaming import STREAM, events_of
from tests.support.articles import real_articles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.openai_stub import OpenAIStub

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, _stub: OpenAIStub) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("embedded")
    with serving(settings_for(home, _stub, pipeline="embedded"), _stub) as live:
        yield live


@pytest.mark.parametrize("number", range(3))
def test_a_real_article_ends_in_a_riddle_with_its_provenance(embedded: Live, number: int) -> None:
    article = real_articles(3)[number]
    response = embedded.post("/v1/riddles", json={"article": {"text": article.text}}, timeout=300)
    assert response.status_code == 201, response.text
    riddle = RiddleOut.model_validate_json(response.content)
    assert riddle.provenance is not None
    assert all(step.model.startswith("embedded:") for step in riddle.provenance.steps)
    assert riddle.status == "published" or any(not check.passed for check in riddle.checks)
    assert riddle.usage.output_tokens > 0


def test_a_real_article_streams(embedded: Live) -> None:
    body = {"article": {"text": real_articles(4)[3].text}}
    events = events_of(embedded.post("/v1/riddles", json=body, headers=STREAM, timeout=300).text)
    assert events[-1][0] == "result"
    assert any(name == "summary.delta" for name, _, _ in events)
