"""Reads a prompt file; everything that can be wrong with one is found here, before any model is called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from domain.article import content_hash
from prompts.prompt import AUTOMATIC, EXAMPLE_FIELDS, Format, MessageTemplate, Prompt, Role, Source
from prompts.template import TemplateError, variables_of
from prompts.yamlfile import Fields, Text, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

_ROLES = ("system", "human", "ai")
_MAX_VERSION = 1_000_000


def load_prompt(path: Path, source: Source) -> Prompt:
    """The prompt of a file.

    Raises:
        InvalidFile: With line and reason.
    """
    return _Reader(read_yaml(path), path, source).prompt()


class _Reader:
    """One file being read; remembers which variables its messages used."""

    def __init__(self, fields: Fields, path: Path, source: Source) -> None:
        self._fields = fields
        self._path = path
        self._source = source
        self._used: set[str] = set()
        self._declared: dict[str, Text] = {}

    def prompt(self) -> Prompt:
        fields = self._fields
        name = fields.name("name")
        version = fields.whole("version", at_least=1, at_most=_MAX_VERSION)
        self._check_file_name(name, version)
        description = str(fields.text("description")).strip()
        format_ = cast("Format", fields.choice("format", ("chat", "completion"), "chat"))
        draft = fields.flag("draft", default=False)
        variables = self._variables()
        before, examples, after = self._messages(format_)
        retry = tuple(self._message(each, format_, {*variables, "reasons"}) for each in fields.sections("retry"))
        fields.done(what="a prompt file")
        self._check_all_used()
        return Prompt(
            name=name,
            version=version,
            description=description,
            format=format_,
            variables=variables,
            before=before,
            examples=examples,
            after=after,
            retry=retry,
            content_hash=_hash(format_, variables, before, examples, after, retry),
            source=self._source,
            path=self._path,
            draft=draft,
        )

    def _check_file_name(self, name: str, version: int) -> None:
        if self._path.stem not in (name, f"{name}@{version}"):
            reason = (
                f"a file with name {name!r} and version {version} must be called {name}.yaml or {name}@{version}.yaml"
            )
            raise self._fields.error(reason, "name")

    def _variables(self) -> tuple[str, ...]:
        for variable in self._fields.texts("variables"):
            if variable in self._declared:
                raise self._fields.error(f"the variable {variable!r} is declared twice", line=variable.first_line)
            if variable in (*AUTOMATIC, *EXAMPLE_FIELDS, "examples", "reasons"):
                reason = f"the name {variable!r} is taken: it may be used where it makes sense without being declared"
                raise self._fields.error(reason, line=variable.first_line)
            self._declared[str(variable)] = variable
        return tuple(self._declared)

    def _messages(
        self, format_: Format
    ) -> tuple[tuple[MessageTemplate, ...], tuple[MessageTemplate, ...] | None, tuple[MessageTemplate, ...]]:
        before: list[MessageTemplate] = []
        after: list[MessageTemplate] = []
        examples: tuple[MessageTemplate, ...] | None = None
        for item in self._fields.sections("messages"):
            if "examples" in item:
                if examples is not None:
                    raise item.error("a prompt has one place for examples: remove this one", "examples")
                examples = self._examples(item, format_)
            else:
                part = self._message(item, format_, set(self._declared))
                (before if examples is None else after).append(part)
        self._check_ending(format_, before, after, examples)
        return tuple(before), examples, tuple(after)

    def _check_ending(
        self,
        format_: Format,
        before: list[MessageTemplate],
        after: list[MessageTemplate],
        examples: tuple[MessageTemplate, ...] | None,
    ) -> None:
        ending = before if examples is None else after
        if not ending:
            raise self._fields.error("messages must end with what asks for the answer", "messages")
        if format_ == "chat" and ending[-1].role != "human":
            raise self._fields.error("the last message must be of the role human", "messages")

    def _examples(self, item: Fields, format_: Format) -> tuple[MessageTemplate, ...]:
        parts = tuple(self._message(each, format_, set(EXAMPLE_FIELDS)) for each in item.sections("examples"))
        item.done(what="an examples block")
        if not parts:
            raise item.error("the examples block needs the messages of one example", "examples")
        return parts

    def _message(self, item: Fields, format_: Format, allowed: set[str]) -> MessageTemplate:
        if format_ == "completion" and "role" in item:
            raise item.error("a completion has no roles: remove the role, or make it format: chat", "role")
        role = "human" if format_ == "completion" else item.choice("role", _ROLES)
        content = item.text("content")
        item.done(what="a message")
        self._used |= self._check_content(content, allowed)
        return MessageTemplate(cast("Role", role), str(content) if format_ == "completion" else content.strip())

    def _check_content(self, content: Text, allowed: set[str]) -> set[str]:
        try:
            used = variables_of(content)
        except TemplateError as error:
            raise self._fields.error(str(error), line=content.line_at(error.offset)) from None
        for variable in sorted(used - allowed - set(AUTOMATIC)):
            line = content.line_at(content.find(f"{{{variable}}}"))
            raise self._fields.error(_not_allowed(variable, allowed), line=line)
        return set(used)

    def _check_all_used(self) -> None:
        for name, declared in self._declared.items():
            if name not in self._used:
                reason = f"the variable {name!r} is declared but no message uses it: use {{{name}}} or remove it"
                raise self._fields.error(reason, line=declared.first_line)


def _not_allowed(variable: str, allowed: set[str]) -> str:
    if variable in EXAMPLE_FIELDS:
        return f"{{{variable}}} is a field of an example: it can stand in the examples block only"
    if EXAMPLE_FIELDS[0] in allowed:
        return f"{{{variable}}} is no field of an example: there are {', '.join(EXAMPLE_FIELDS)}"
    return f"{{{variable}}} is not declared: add it to variables, or double the braces to have them in the text"


def _hash(
    format_: Format,
    variables: tuple[str, ...],
    before: tuple[MessageTemplate, ...],
    examples: tuple[MessageTemplate, ...] | None,
    after: tuple[MessageTemplate, ...],
    retry: tuple[MessageTemplate, ...],
) -> str:
    blocks = [before, examples, after, retry]
    listed = [None if block is None else [(part.role, part.content) for part in block] for block in blocks]
    return content_hash(format_, json.dumps(sorted(variables)), json.dumps(listed))
