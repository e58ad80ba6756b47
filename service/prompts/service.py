"""What /v1/prompts does, without HTTP's shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.errors import NotFound
from service.prompts.schemas import prompt_payload, prompt_summary

if TYPE_CHECKING:
    from prompts import Prompt
    from service.resources import Resources


def list_prompts(resources: Resources) -> dict[str, Any]:
    """All versions of all prompts, by name, oldest first."""
    return {"items": [prompt_summary(prompt) for prompt in _sorted(resources)], "next_cursor": None}


def get_prompt(resources: Resources, name: str, version: int | None = None) -> dict[str, Any]:
    """One prompt, in its latest version when none is named.

    Raises:
        NotFound: There is none of that name or version.
    """
    found = {prompt.version: prompt for prompt in _sorted(resources) if prompt.name == name}
    wanted = max(found, default=0) if version is None else version
    if wanted not in found:
        raise NotFound("prompt", name if version is None else f"{name}@{version}")
    return prompt_payload(found[wanted], list(found))


def _sorted(resources: Resources) -> list[Prompt]:
    resources.catalog.refresh()
    return sorted(resources.catalog.prompts(), key=lambda prompt: (prompt.name, prompt.version))
