"""Pipelines over HTTP: what they are made of, what they would ask a model, and several of them side by side."""
