"""The options before the command, and the settings they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from service.settings import Settings


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
