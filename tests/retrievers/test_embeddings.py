from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from domain.errors import (
    MissingExtra,
    ProviderBadAnswer,
    ProviderError,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnavailable,
    UnknownModelName,
)
from retrievers.embeddings import EMBEDDED, EmbeddingModel, ProviderEmbeddings, load_embeddings
from retrievers.wordllama_embeddings import WordLlamaEmbeddings
from tests.support.articles import real_articles

if TYPE_CHECKING:
    from collections.abc import Callable


class TestWordLlamaUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return WordLlamaEmbeddings


class TestWordLlama(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return WordLlamaEmbeddings


class TestProviderEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return ProviderEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"name": "fake:8", "inner": DeterministicFakeEmbedding(size=8)}


def test_the_vectors_are_those_of_wordllama_itself(embeddings: WordLlamaEmbeddings) -> None:
    script = (
        "import pathlib, sys, wordllama, numpy\n"
        "model = wordllama.WordLlama.load(cache_dir=pathlib.Path(wordllama.__file__).parent, disable_download=True)\n"
        "numpy.save(sys.stdout.buffer, model.embed(sys.stdin.read().splitlines(), norm=True))\n"
    )
    texts = [article.text for article in real_articles(5)]
    run = subprocess.run(
        [sys.executable, "-c", script], input="\n".join(texts).encode(), capture_output=True, check=True
    )
    import io

    np.testing.assert_allclose(embeddings.matrix(texts), np.load(io.BytesIO(run.stdout)), atol=1e-5)


def test_rows_have_unit_length_even_for_texts_without_tokens(embeddings: WordLlamaEmbeddings) -> None:
    rows = embeddings.matrix(["", "word", "a longer text"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_loading_the_embedded_model_leaves_the_root_logger_alone() -> None:
    script = (
        "import logging\n"
        "before = logging.getLogger().level, list(logging.getLogger().handlers)\n"
        "from retrievers import load_embeddings; load_embeddings()\n"
        "assert (logging.getLogger().level, list(logging.getLogger().handlers)) == before\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert logging.getLogger("wordllama").level == logging.NOTSET


def test_the_default_is_the_embedded_model() -> None:
    model = load_embeddings()
    assert (model.name, model.dimension) == (EMBEDDED, 256)
    assert isinstance(model, EmbeddingModel)


@pytest.mark.parametrize("name", ["embedded:other", "nobody:knows", "nonsense"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownModelName, match=name):
        load_embeddings(name)


def test_a_provider_whose_package_is_missing_says_what_to_install() -> None:
    with pytest.raises(MissingExtra, match="cohere"):
        load_embeddings("cohere:embed-english-v3.0")


def test_an_openai_compatible_model_is_reached_by_its_url() -> None:
    model = load_embeddings(
        "openai:text-embedding-3-small", api_key="k", base_url="http://127.0.0.1:9/v1", max_retries=0
    )
    assert model.name == "openai:text-embedding-3-small"
    with pytest.raises(ProviderUnavailable, match="openai"):
        model.embed_query("word")


class Failing(Embeddings):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise self.error

    def embed_query(self, text: str) -> list[float]:
        raise self.error


def status_error(status: int) -> Exception:
    error = RuntimeError("no")
    error.status_code = status  # type: ignore[attr-defined]  # as providers' libraries do
    return error


CALLS: list[Callable[[ProviderEmbeddings], Any]] = [
    lambda model: model.embed_query("x"),
    lambda model: model.embed_documents(["x"]),
    lambda model: model.matrix(["x"]),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (status_error(429), ProviderRateLimited),
        (status_error(401), ProviderBadAnswer),
        (status_error(503), ProviderUnavailable),
        (TimeoutError(), ProviderTimedOut),
        (OSError("gone"), ProviderUnavailable),
    ],
)
def test_a_providers_failure_becomes_one_of_ours(
    call: Callable[[ProviderEmbeddings], Any], error: Exception, expected: type[ProviderError]
) -> None:
    with pytest.raises(expected, match="'broken'"):
        call(ProviderEmbeddings("broken:model", Failing(error)))


async def test_a_providers_failure_becomes_one_of_ours_in_coroutines_too() -> None:
    model = ProviderEmbeddings("broken:model", Failing(status_error(429)))
    with pytest.raises(ProviderRateLimited):
        await model.aembed_query("x")
    with pytest.raises(ProviderRateLimited):
        await model.aembed_documents(["x"])
