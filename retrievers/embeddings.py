"""Embedding models by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from langchain_core.embeddings import Embeddings

from domain.errors import (
    MissingExtra,
    ProviderBadAnswer,
    ProviderError,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnavailable,
    UnknownModelName,
)
from retrievers.vectors import Matrix, as_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

EMBEDDED = "embedded:wordllama"
"""The default: comes with the package, needs no network."""

_MAX_REASON = 300


@runtime_checkable
class EmbeddingModel(Protocol):
    """What the index and the selector need: LangChain's interface, a name to remember, and whole matrices."""

    @property
    def name(self) -> str:
        """`provider:model`; an index of another name is rebuilt."""

    @property
    def at_once(self) -> bool:
        """Whether a text takes so little time on this machine that no thread is worth its while."""

    @property
    def dimension(self) -> int:
        """Length of every vector; may ask the provider once."""

    def matrix(self, texts: Sequence[str]) -> Matrix:
        """One row of unit length for each text."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Of LangChain's interface."""

    def embed_query(self, text: str) -> list[float]:
        """Of LangChain's interface."""


class ProviderEmbeddings(Embeddings):
    """Any LangChain embeddings model, with a name and with our errors.

    Args:
        name: `provider:model`.
        inner: The model.
    """

    at_once = False

    def __init__(self, name: str, inner: Embeddings) -> None:
        self.name = name
        self._inner = inner
        self._dimension: int | None = None

    @property
    def dimension(self) -> int:
        """Length of every vector; the first time, the provider embeds one word to find out."""
        if self._dimension is None:
            self._dimension = len(self.embed_query("dimension"))
        return self._dimension

    def matrix(self, texts: Sequence[str]) -> Matrix:
        """One row of unit length for each text."""
        return as_matrix(self.embed_documents(list(texts)))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text.

        Raises:
            ProviderError: The provider failed, after its client's own retries.
        """
        try:
            return self._inner.embed_documents(texts)
        except Exception as error:  # every provider's library has its own classes
            raise _provider_error(self.name, error) from error

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text.

        Raises:
            ProviderError: The provider failed, after its client's own retries.
        """
        try:
            return self._inner.embed_query(text)
        except Exception as error:  # every provider's library has its own classes
            raise _provider_error(self.name, error) from error

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Like `embed_documents`, the model's own way."""
        try:
            return await self._inner.aembed_documents(texts)
        except Exception as error:  # every provider's library has its own classes
            raise _provider_error(self.name, error) from error

    async def aembed_query(self, text: str) -> list[float]:
        """Like `embed_query`, the model's own way."""
        try:
            return await self._inner.aembed_query(text)
        except Exception as error:  # every provider's library has its own classes
            raise _provider_error(self.name, error) from error


def load_embeddings(name: str = EMBEDDED, **arguments: Any) -> EmbeddingModel:
    """Load an embedding model.

    Args:
        name: `embedded:wordllama`, `openai:<model>`, or any `provider:model` that LangChain's `init_embeddings` knows.
        **arguments: For the provider, such as `api_key` and `base_url`.

    Raises:
        UnknownModelName: Nobody knows the name, or what it needs is not set.
        MissingExtra: The provider's package is not installed.
    """
    if name == EMBEDDED:
        from retrievers.wordllama_embeddings import WordLlamaEmbeddings

        return WordLlamaEmbeddings()
    if name.startswith("embedded:"):
        raise UnknownModelName(name, f"the embedded one is {EMBEDDED!r}")
    if name.startswith("openai:"):
        # texts are bounded by us; the check would fetch a tokenizer, and other servers than OpenAI's refuse token ids
        arguments = {"check_embedding_ctx_length": False, **arguments}
    return ProviderEmbeddings(name, _init(name, arguments))


def _init(name: str, arguments: dict[str, Any]) -> Embeddings:
    from langchain.embeddings import init_embeddings

    try:
        model = init_embeddings(name, **arguments)
    except ImportError as error:
        raise MissingExtra(f"embedding model {name!r} ({error})", "local") from error
    except Exception as error:  # providers check their settings with classes of their own
        raise UnknownModelName(name, str(error)) from error
    if not isinstance(model, Embeddings):
        raise UnknownModelName(name, "LangChain gave no embeddings model for it")
    return model


def _provider_error(name: str, error: Exception) -> ProviderError:
    provider = name.partition(":")[0]
    reason = f"{type(error).__name__}: {error}"[:_MAX_REASON]
    status = getattr(error, "status_code", None)
    if status == 429:  # noqa: PLR2004  # HTTP's own number
        return ProviderRateLimited(provider, reason)
    if isinstance(error, TimeoutError) or "timeout" in type(error).__name__.lower():
        return ProviderTimedOut(provider, reason)
    if isinstance(status, int) and status < 500:  # noqa: PLR2004  # HTTP's own number
        return ProviderBadAnswer(provider, reason)
    return ProviderUnavailable(provider, reason)
