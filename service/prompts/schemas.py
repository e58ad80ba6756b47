"""What comes out of /v1/prompts."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from service.schemas import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prompts import Prompt
    from prompts.prompt import MessageTemplate

Role = Literal["system", "human", "ai"]


class TemplateOut(Answer):
    """A message of a prompt file."""

    role: Role
    content: str


class PromptSummaryOut(Answer):
    """One version of a prompt, without its text."""

    name: str
    version: int
    ref: str
    description: str
    format: Literal["chat", "completion"]
    variables: list[str]
    content_hash: str
    source: Literal["builtin", "user"]
    draft: bool = Field(description="Whether the file may still change under this version.")


class PromptOut(PromptSummaryOut):
    """One version of a prompt. `examples` are repeated for each example, `retry` follows a refused attempt."""

    versions: list[int] = Field(description="All versions there are, oldest first.")
    before: list[TemplateOut]
    examples: list[TemplateOut] | None
    after: list[TemplateOut]
    retry: list[TemplateOut]


def prompt_summary(prompt: "Prompt") -> dict[str, Any]:
    """A prompt as lists show it."""
    return {
        "name": prompt.name,
        "version": prompt.version,
        "ref": prompt.ref,
        "description": prompt.description,
        "format": prompt.format,
        "variables": list(prompt.variables),
        "content_hash": prompt.content_hash,
        "source": prompt.source,
        "draft": prompt.draft,
    }


def prompt_payload(prompt: "Prompt", versions: "Sequence[int]") -> dict[str, Any]:
    """A prompt with its messages; the file's path stays with the operator."""
    return {
        **prompt_summary(prompt),
        "versions": list(versions),
        "before": _messages(prompt.before),
        "examples": None if prompt.examples is None else _messages(prompt.examples),
        "after": _messages(prompt.after),
        "retry": _messages(prompt.retry),
    }


def _messages(parts: "Sequence[MessageTemplate]") -> list[dict[str, str]]:
    return [{"role": part.role, "content": part.content} for part in parts]
