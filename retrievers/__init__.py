"""What a chain looks up: the pre-made examples and the articles. Knows nothing of models, pipelines or HTTP servers."""

from retrievers.embeddings import EmbeddingModel, load_embeddings
from retrievers.errors import IndexUnavailable
from retrievers.examples import Examples, open_examples
from retrievers.importing import ImportReport, Rejected
from retrievers.index import ExampleIndex
from retrievers.selection import Considered, Scored, Selection
from retrievers.selector import ExampleSelector
from retrievers.store import ExampleStore, Page

__all__ = [
    "Considered",
    "EmbeddingModel",
    "ExampleIndex",
    "ExampleSelector",
    "ExampleStore",
    "Examples",
    "ImportReport",
    "IndexUnavailable",
    "Page",
    "Rejected",
    "Scored",
    "Selection",
    "load_embeddings",
    "open_examples",
]
