"""The options before the command, and the settings they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from service.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[
    str | None,
    typer.Option(help="API key for --url. Better set in the environment.", envvar="RIDDLEWIRE_API_KEY"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stands between `riddlewire` and the command.

    Args:
        home: Data folder; None leaves it to `RIDDLEWIRE_HOME`.
        debug: Show logs, and tracebacks instead of one line.
    """

    home: Path | None = None
    debug: bool = False


def options_of(ctx: typer.Context) -> Options:
    """The options that stand before the command."""
    return ctx.find_object(Options) or Options()


def settings_of(ctx: typer.Context, **overrides: object) -> Settings:
    """The settings of this run: the environment's, with what the command line says laid over them.

    Args:
        ctx: The running command's.
        **overrides: Settings by name; None leaves the environment's.

    Raises:
        ConfigurationError: A setting cannot be used.
    """
    from service.settings import Settings

    given = {"home": options_of(ctx).home, **overrides}
    return Settings(**{name: value for name, value in given.items() if value is not None})
