"""Labelled plain text to `Draft` and back: what every model can write, also a base model, and what streams."""

from chains.parsing.drafts import UnparsableDraft, parse_draft, render_draft
from chains.parsing.streams import DraftStream

__all__ = ["DraftStream", "UnparsableDraft", "parse_draft", "render_draft"]
