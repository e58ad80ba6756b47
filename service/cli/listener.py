"""A receiver of webhooks, as small as one can be: verifies the signature and prints the event."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from domain.errors import ConfigurationError
from service.cli.hostile import clean_line, escape_json
from service.cli.terminal import note

if TYPE_CHECKING:
    from aiohttp.web import Application, Request, Response

_HOST = "127.0.0.1"
_LARGEST_BODY = 1024 * 1024


class PortTaken(ConfigurationError):
    """Nothing can listen there."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on port {port}: {reason}; name another one with --port")


async def listen(secret: str, *, port: int, status: int) -> None:
    """Receive until cancelled.

    Args:
        secret: What events are signed with.
        port: On loopback; 0 takes a free one.
        status: What verified events are answered with.

    Raises:
        InvalidWebhook: The secret cannot be one.
        PortTaken: Nothing can listen there.
    """
    from aiohttp import web

    from service.webhooks.signing import checked_secret

    runner = web.AppRunner(_application(checked_secret(secret), status), shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, _HOST, port).start()
        except OSError as error:
            raise PortTaken(port, error.strerror or str(error)) from None
        note(f"Listening on http://{_HOST}:{runner.addresses[0][1]}/ until Ctrl-C.")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _application(secret: str, status: int) -> Application:
    from aiohttp import web
    from standardwebhooks import Webhook, WebhookVerificationError

    webhook = Webhook(secret)

    async def receive(request: Request) -> Response:
        body = await request.read()
        try:
            webhook.verify(body, dict(request.headers))
        except (WebhookVerificationError, ValueError) as error:
            note(f"Refused a request: {clean_line(str(error))}")
            return web.Response(status=401)
        sys.stdout.write(escape_json(clean_line(body.decode())) + "\n")
        sys.stdout.flush()
        note(f"{request.headers['webhook-id']} answered with {status}.")
        return web.Response(status=status)

    application = web.Application(client_max_size=_LARGEST_BODY)
    application.router.add_post("/{path:.*}", receive)
    return application
