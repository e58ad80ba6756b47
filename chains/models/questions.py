"""What makes two questions to a model the same one: everything that can change the answer."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage


def question_hash(messages: Sequence[BaseMessage], n: int, asked_with: Mapping[str, Any]) -> str:
    """SHA-256 of a question, as hex.

    Args:
        messages: As they are sent.
        n: How many answers are wanted.
        asked_with: All else that can change the answer; what JSON has no form for is taken by its `repr`.
    """
    question = [[[message.type, message.content] for message in messages], n, asked_with]
    return hashlib.sha256(orjson.dumps(question, option=orjson.OPT_SORT_KEYS, default=repr)).hexdigest()
