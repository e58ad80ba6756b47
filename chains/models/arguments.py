"""What a step's settings become in a call to a model."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from domain.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from chains.models.names import ModelName
    from prompts.pipeline import ModelCallSpec


def call_arguments(spec: ModelCallSpec, name: ModelName, grammars: Path | None = None) -> dict[str, Any]:
    """Keyword arguments for `ainvoke` and `astream`; what is None is left to the provider.

    Raises:
        NotFound: The embedded engine is asked for a grammar nobody has.
    """
    arguments: dict[str, Any] = {
        "max_tokens": spec.max_tokens,
        "temperature": spec.temperature,
        "top_p": spec.top_p,
        "seed": spec.seed,
        "stop": list(spec.stop) or None,
        "timeout": spec.timeout_s,
    }
    given = {key: value for key, value in arguments.items() if value is not None}
    if spec.grammar and name.provider == "embedded":
        given["grammar"] = spec.grammar_text or grammar_text(spec.grammar, grammars)
    return {**given, **spec.extra}


def grammar_text(name: str, own: Path | None = None) -> str:
    """A GBNF grammar by name: the operator's `<own>/<name>.gbnf`, else the shipped one.

    Raises:
        NotFound: There is neither.
    """
    file = f"{name}.gbnf"
    if not name.replace("-", "").replace("_", "").isalnum():
        raise NotFound("grammar", name)
    if own is not None and (own / file).is_file():
        return (own / file).read_text(encoding="utf-8")
    shipped = resources.files("prompts") / "grammars" / file
    if not shipped.is_file():
        raise NotFound("grammar", name)
    return shipped.read_text(encoding="utf-8")
