"""The table of `docs/configuration.md`, made from the settings themselves so that it is true.

Run `python -m service.settings_table` to write it anew.
"""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic_core import PydanticUndefined

from service.setting_groups.models import ProviderGroup
from service.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

BEGIN = "<!-- settings: made by python -m service.settings_table -->"
END = "<!-- end of settings -->"
DOCUMENT = Path(__file__).parents[1] / "docs" / "configuration.md"


class Setting(NamedTuple):
    """One variable as the table shows it."""

    variable: str
    values: str
    default: str
    description: str


def all_settings() -> Iterator[Setting]:
    """Every environment variable that is read, in the order of the settings."""
    for name, field in Settings.model_fields.items():
        if name == "providers":
            continue
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            for inner, inner_field in group.model_fields.items():
                yield _setting(f"{PREFIX}{name}_{inner}".upper(), inner_field)
        else:
            yield _setting(_variable(name, field), field)


def provider_settings() -> Iterator[Setting]:
    """What the JSON of a `RIDDLEWIRE_PROVIDERS_<NAME>` may hold."""
    for name, field in ProviderGroup.model_fields.items():
        yield _setting(name, field)


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Variables that look like ours and are not read, with the one that may be meant: most are misspelt."""
    from difflib import get_close_matches

    known = {setting.variable for setting in all_settings()} | {
        f"{PREFIX}API_KEY"
    }  # the last one is the command line's
    known |= {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    found = (name for name in environment if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}PROVIDERS_"))
    return {
        name: next(iter(get_close_matches(name, known, 1, cutoff=0.8)), None) for name in found if name not in known
    }


def table() -> str:
    """Both tables as Markdown."""
    lines = ["| variable | values | default | what it does |", "|---|---|---|---|"]
    lines += [_row(setting) for setting in all_settings()]
    lines += [
        "",
        "A provider of your own is JSON in `RIDDLEWIRE_PROVIDERS_<NAME>`; its models are then named `<name>:<model>`:",
        "",
        "```sh",
        """export RIDDLEWIRE_PROVIDERS_VLLM='{"base_url": "http://localhost:8000/v1", "max_concurrency": 64}'""",
        "```",
        "",
        "| field | values | default | what it does |",
        "|---|---|---|---|",
    ]
    lines += [_row(setting) for setting in provider_settings()]
    return "\n".join(lines)


def filled(document: str) -> str:
    """The document with the tables between its marks made anew."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{table()}\n{END}", document)


def _row(setting: Setting) -> str:
    cells = (f"`{setting.variable}`", setting.values, setting.default, setting.description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _setting(variable: str, field: FieldInfo) -> Setting:
    return Setting(variable, _values(field.annotation), _default(field), field.description or "")


def _variable(name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return f"{PREFIX}{name}".upper()


_NAMES = {"int": "whole number", "float": "number", "str": "text", "bool": "true, false", "Path": "path"}


def _values(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin is Annotated:
        return _values(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_values(part) for part in get_args(annotation) if part is not type(None))
    if origin in (dict, tuple):
        return "JSON"
    name = getattr(annotation, "__name__", str(annotation))
    return "secret" if name == "SecretStr" else _NAMES.get(name, name)


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is None or default is PydanticUndefined:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
