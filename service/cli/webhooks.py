"""`riddlewire webhooks`: what was delivered, sending it again, and a receiver to try it out. Works beside a server."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.options import AsJson, settings_of
from service.cli.running import run
from service.cli.terminal import note, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.storage.deliveries import DeliveryRepository
    from service.storage.delivery_rows import Delivery

app = typer.Typer(no_args_is_help=True, help="Webhooks: the log of deliveries, redelivery, and a receiver to try.")

_MOST = 1000


@app.command("list")
def list_deliveries(
    ctx: typer.Context,
    status: Annotated[Literal["pending", "delivered", "failed"] | None, typer.Option(help="Only these.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only those about this, such as a batch's id.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=_MOST, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first, with what came of the last attempt.

    Example: `riddlewire webhooks list --status failed`
    """
    from service.storage.deliveries import DeliveryFilter

    with _deliveries(ctx) as deliveries:
        found = deliveries.list(DeliveryFilter(status=status, subject=subject), limit=limit).items
    if as_json:
        print_json([_payload(delivery) for delivery in found])
        return
    if not found:
        note("There are no such deliveries." if status or subject else "Nothing has been delivered, nor is it to be.")
    print_table(("id", "event", "subject", "status", "attempts", "last attempt", "url"), map(_row, found))


@app.command()
def redeliver(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="See `riddlewire webhooks list`.")],
) -> None:
    """Have deliveries sent again by the running service: the same id and body, and all tries anew.

    Example: `riddlewire webhooks redeliver whd_01a2`
    """
    with _deliveries(ctx) as deliveries:
        for delivery_id in ids:
            deliveries.redeliver(delivery_id)
            note(f"{delivery_id} is due now.")


@app.command()
def secret() -> None:
    """Make a secret for `webhook.secret` and for the receiver.

    Example: `export WEBHOOK_SECRET=$(riddlewire webhooks secret)`
    """
    from service.webhooks.signing import new_secret

    typer.echo(new_secret())


@app.command()
def listen(
    *,
    secret: Annotated[str, typer.Option(envvar="WEBHOOK_SECRET", help="What events are signed with.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="On this machine; 0 takes a free one.")] = 9000,
    answer: Annotated[int, typer.Option(min=200, max=599, help="Status to answer with; try 503.")] = 204,
) -> None:
    """Receive webhooks on this machine, verify them, and print each event as a line of JSON, until Ctrl-C.

    The service sends here when `RIDDLEWIRE_WEBHOOKS_ALLOW_PRIVATE=true`. What is not signed with the secret gets 401.

    Example: `riddlewire webhooks listen --port 9000 --secret "$WEBHOOK_SECRET"`
    """
    from service.cli.listener import listen as receive

    run(receive(secret, port=port, status=answer))


@contextmanager
def _deliveries(ctx: typer.Context) -> "Iterator[DeliveryRepository]":
    from service.cli.database import opened_engine
    from service.storage.deliveries import DeliveryRepository

    with opened_engine(settings_of(ctx)) as engine:
        yield DeliveryRepository(engine)


def _payload(delivery: "Delivery") -> dict[str, object]:
    from service.webhooks.schemas import delivery_payload

    return delivery_payload(delivery)


def _row(delivery: "Delivery") -> tuple[str, ...]:
    last = delivery.attempts[-1] if delivery.attempts else None
    told = "-" if last is None else last.error or str(last.status_code)
    count = str(delivery.attempt_count)
    return delivery.id, delivery.event_type, delivery.subject, delivery.status, count, told, delivery.url
