"""Answers of a service that do not have the shape of one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from domain.errors import ProviderBadAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def nonsense_is_a_bad_answer(provider: str, part: str = "") -> Iterator[None]:
    """What a service said is hostile input: it need not have the shape that the code beneath expects.

    Args:
        provider: Whose answer is read in the block.
        part: Of the completion, for the message.

    Raises:
        ProviderBadAnswer: The code beneath stumbled over it.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProviderBadAnswer(provider, f"not a chat completion {part}".rstrip() + f": {error!r}"[:160]) from error
