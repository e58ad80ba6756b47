"""The LoRA adapters that ship with the package, and which model each belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from chains.models.gguf_location import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = Path(__file__).parent.parent / "adapters"

SHIPPED: Final[Mapping[str, tuple[str, Path]]] = {"riddles": (DEFAULT_MODEL, _FOLDER / "riddles.gguf")}
"""By name: the model it was trained on, and the file. Its card lies beside it."""


def adapters_of(model: str, configured: Mapping[str, Path]) -> dict[str, Path]:
    """The adapters that an engine for this model loads: the shipped ones that belong to it, then those of the operator.

    An operator's adapter takes the place of a shipped one of its name.

    Args:
        model: After `embedded:`.
        configured: By name, of the engine's settings.
    """
    shipped = {name: path for name, (owner, path) in SHIPPED.items() if owner == model and path.is_file()}
    return {**shipped, **configured}
