"""The options before the command, and the settings they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from service.settings import Settings


def checked_url(url: str | None) -> str | None:
    """The address of a server, as `--url` takes it; None stays so.

    Raises:
        typer.BadParameter: There can be no server at it.
    """
    from urllib.parse import urlsplit

    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or too large a one
        usable = False
    if not usable:
        raise typer.BadParameter(f"{url!r} is no server's address: write it as http://HOST:PORT or https://HOST.")
    return url


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
