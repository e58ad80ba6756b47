"""The LoRA adapters that ship, by the model they were trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from chains.models.gguf_location import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = Path(__file__).parent.parent / "adapters"

_SHIPPED: Final[Mapping[str, Mapping[str, str]]] = {DEFAULT_MODEL: {"riddles": "riddles.gguf"}}
"""Adapters by model, files by name; `chains/adapters/` has a model card beside each."""


def adapters_of(model: str, configured: Mapping[str, Path]) -> dict[str, Path]:
    """The adapters that an engine loads: those that ship for its model, with the operator's own laid over them.

    Args:
        model: Name of an embedded model, after the colon.
        configured: The operator's, by name. One with the name of a shipped adapter takes its place.
    """
    shipped = {name: _FOLDER / file for name, file in _SHIPPED.get(model, {}).items()}
    return shipped | dict(configured)
