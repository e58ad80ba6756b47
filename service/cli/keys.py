"""`riddlewire keys`: who may call the HTTP service."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.options import AsJson, settings_of
from service.cli.terminal import note, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.keys import Key, KeyStore

app = typer.Typer(no_args_is_help=True, help="API keys of the HTTP service: hashed at rest, shown once.")


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose key it is; only for people to read.")],
    role: Annotated[
        Literal["reader", "writer", "admin"],
        typer.Option(help="reader: see riddles; writer: make them and change examples; admin: everything."),
    ] = "writer",
    rate: Annotated[str | None, typer.Option(help="Requests allowed, such as 60/minute.")] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Whose examples, riddles and batches it works with, beside those of no tenant.")
    ] = None,
    daily_usd: Annotated[
        float | None, typer.Option(help="US dollars that its model calls may cost in a UTC day.", min=0)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print its secret, once, on standard output.

    Examples:
    - `riddlewire keys create newsroom --role writer --rate 60/minute --daily-usd 5`
    - `riddlewire keys create herald --tenant herald`
    - `export RIDDLEWIRE_API_KEY=$(riddlewire keys create me)`
    """
    with _keys(ctx) as keys:
        key, secret = keys.create(name, role, rate, tenant=tenant, daily_usd=daily_usd)
    if as_json:
        shown = {name: getattr(key, name) for name in ("id", "name", "role", "rate", "tenant", "daily_usd")}
        print_json({**shown, "secret": secret})
        return
    typer.echo(secret)
    of = f" of tenant {key.tenant}" if key.tenant else ""
    note(f"{key.id}: role {key.role}{of}. The secret is not stored and cannot be shown again.")


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
        ("id", "name", "role", "rate", "USD a day", "state", "tenant"),
        (_row(key) for key in found),
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


@app.command()
def budget(
    ctx: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="See `riddlewire keys list`.")],
    daily_usd: Annotated[
        float | None, typer.Argument(metavar="USD", help="Of a UTC day; left out takes the budget away.", min=0)
    ] = None,
) -> None:
    """Give a key another daily budget, or none; running servers measure by it within a second.

    Examples:
    - `riddlewire keys budget 4f1c2ab09e77 12.50`
    - `riddlewire keys budget 4f1c2ab09e77`
    """
    with _keys(ctx) as keys:
        keys.set_daily_usd(key_id, daily_usd)
    note(f"{key_id} may spend {f'{daily_usd:.2f} USD a day' if daily_usd is not None else 'without a limit'}.")


@contextmanager
def _keys(ctx: typer.Context) -> "Iterator[KeyStore]":
    from service.cli.database import opened_engine
    from service.keys import KeyStore

    with opened_engine(settings_of(ctx)) as engine:
        yield KeyStore(engine)


def _row(key: "Key") -> tuple[str, ...]:
    state = "revoked" if key.revoked_at else "active"
    return key.id, key.name, key.role, key.rate or "-", _dollars(key), state, key.tenant or "-"


def _dollars(key: "Key") -> str:
    return "-" if key.daily_usd is None else f"{key.daily_usd:.2f}"


def _payload(key: "Key") -> dict[str, object]:
    shown = ("id", "name", "role", "rate", "tenant", "daily_usd", "created_at", "revoked_at")
    return {name: getattr(key, name) for name in shown}
