"""From a pipeline's name to a pipeline that runs, with everything it needs where the caller brings nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chains.pipeline import RiddlePipeline

if TYPE_CHECKING:
    from chains.models import ChatModels
    from prompts import Catalog
    from retrievers import Examples


def load_pipeline(
    name: str = "embedded",
    *,
    catalog: Catalog | None = None,
    examples: Examples | None = None,
    models: ChatModels | None = None,
) -> RiddlePipeline:
    """Load a pipeline by name.

    Args:
        name: One of the shipped ones (`embedded`, `zero-shot`, `few-shot-base`, `openai`) or your own.
        catalog: Prompts and pipelines; by default those of the package.
        examples: Pre-made examples; by default those of the package, indexed in memory.
        models: How providers are reached; by default with their own defaults and no keys.

    Returns:
        A LangChain Runnable: `load_pipeline().invoke("Fog closed the airport ...")` gives a `Riddle`.

    Raises:
        NotFound: No such pipeline; the message lists those there are.
    """
    if catalog is None:
        from prompts import Catalog

        catalog = Catalog()
    if examples is None:
        from retrievers import open_examples

        examples = open_examples()
    if models is None:
        from chains.models import ChatModels

        models = ChatModels()
    pipeline = RiddlePipeline(name, catalog=catalog, examples=examples, models=models)
    pipeline.recipe()
    return pipeline
