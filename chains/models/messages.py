"""Messages as chat completions take them."""

from __future__ import annotations

from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

_ROLES: Final[dict[type[BaseMessage], str]] = {SystemMessage: "system", HumanMessage: "user", AIMessage: "assistant"}


def plain_messages(given: Any) -> list[dict[str, str]] | None:
    """Each message with its role and content, when all are text and nothing else; None when one is more than that."""
    if not isinstance(given, list):
        return None
    plain: list[dict[str, str]] = []
    for message in given:
        role = _ROLES.get(type(message))
        if role is None or not isinstance(message.content, str) or message.name is not None:
            return None
        if message.additional_kwargs or (
            isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls)
        ):
            return None
        plain.append({"role": role, "content": message.content})
    return plain
