"""`riddlewire keys`: who may call the HTTP service."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.options import settings_of
from service.cli.terminal import note, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.keys import KeyStore

app = typer.Typer(no_args_is_help=True, help="API keys of the HTTP service: hashed at rest, shown once.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose key it is; only for people to read.")],
    role: Annotated[
        Literal["reader", "writer", "admin"],
        typer.Option(help="reader: see riddles; writer: make them and change examples; admin: everything."),
    ] = "writer",
    rate: Annotated[str | None, typer.Option(help="Requests allowed, such as 60/minute.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print its secret, once, on standard output.

    Examples:
    - `riddlewire keys create newsroom --role writer --rate 60/minute`
    - `export RIDDLEWIRE_API_KEY=$(riddlewire keys create me)`
    """
    with _keys(ctx) as keys:
        key, secret = keys.create(name, role, rate)
    if as_json:
        print_json({"id": key.id, "name": key.name, "role": key.role, "rate": key.rate, "secret": secret})
        return
    typer.echo(secret)
    note(f"{key.id}: role {key.role}. The secret is not stored and cannot be shown again.")


@app.command("list")
def list_keys(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List all keys, without their secrets.

    Example: `riddlewire keys list --json`
    """
    with _keys(ctx) as keys:
        found = keys.list()
    if as_json:
        print_json([_payload(key) for key in found])
        return
    print_table(
        ("id", "name", "role", "rate", "state"),
        ((key.id, key.name, key.role, key.rate or "-", "revoked" if key.revoked_at else "active") for key in found),
    )


@app.command()
def revoke(
    ctx: typer.Context, key_id: Annotated[str, typer.Argument(metavar="ID", help="See `riddlewire keys list`.")]
) -> None:
    """Revoke a key; running servers refuse it from their next request on.

    Example: `riddlewire keys revoke key_4f1c`
    """
    with _keys(ctx) as keys:
        keys.revoke(key_id)
    note(f"{key_id} is revoked.")


@contextmanager
def _keys(ctx: typer.Context) -> "Iterator[KeyStore]":
    from service.cli.database import opened_engine
    from service.keys import KeyStore

    with opened_engine(settings_of(ctx)) as engine:
        yield KeyStore(engine)


def _payload(key: object) -> dict[str, object]:
    return {name: getattr(key, name) for name in ("id", "name", "role", "rate", "created_at", "revoked_at")}
