"""Python's search for cyclic garbage, set up for a process that serves for long.

A full search goes through every object there is, some 400,000 after the libraries are loaded, and stops the process for
a third of a second. Nearly all of them stay to the end, so they are taken out of the search once they are there
(`gc.freeze`; Instagram's "Copy-on-write friendly Python garbage collection", 2017).
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG_OBJECTS: Final = 20_000
"""New objects after which Python looks for cycles among them. Its 700 is two or three times for each article, whose
objects nearly all go by reference counts."""


class _Process:
    serves = False


def search_less() -> None:
    """Set up this process; for processes that serve or work, not for a library in somebody else's."""
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    _Process.serves = True


def spare_what_is_there() -> None:
    """Never search the objects of this moment again: called when models or libraries have been loaded.

    Does nothing in a process that was not set up by `search_less`.
    """
    if _Process.serves:
        gc.collect()  # garbage must not be kept for ever
        gc.freeze()
