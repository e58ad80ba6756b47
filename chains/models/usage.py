"""What an answer used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.usage import Usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage


def usage_of(message: AIMessage) -> Usage | None:
    """The tokens an answer reports; None when it reports none."""
    reported = message.usage_metadata
    if reported is None:
        return None
    return Usage(
        input_tokens=reported["input_tokens"],
        output_tokens=reported["output_tokens"],
        cached_tokens=reported.get("input_token_details", {}).get("cache_read", 0),
        calls=1,
    )
