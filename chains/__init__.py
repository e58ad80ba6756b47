"""The chains: summarise, riddle, and the pipelines made of them. Knows no HTTP, no SQL and no settings object."""

from chains.loading import load_pipeline
from chains.pipeline import RiddlePipeline

__all__ = ["RiddlePipeline", "load_pipeline"]
