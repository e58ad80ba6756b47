"""Where webhooks may be sent: a URL is checked when it is given, the addresses of its name at every attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from retrievers.addresses import is_public, names_this_machine, parse_address, written_address
from service.webhooks.errors import InvalidWebhook
from service.webhooks.signing import checked_secret, new_secret

if TYPE_CHECKING:
    from yarl import URL

    from retrievers.addresses import Address

_LONGEST_URL = 2048
_LONGEST_HOST = 253
_FIRST_UNPRIVILEGED_PORT = 1024
_WEB_PORTS = frozenset({80, 443})
_OWN_NETWORKS = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1/128", "fc00::/7"),
    )
)
_METADATA = frozenset(map(ip_address, ("100.100.100.200", "fd00:ec2::254", "fd20:ce::254")))
"""Metadata services of clouds inside networks that an operator may allow; the others are link-local, never allowed."""


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """A receiver that passed the checks.

    Args:
        url: As the caller wrote it.
        host: Its host and port, such as `hooks.example:443`.
        secret: Signs what is sent there.
    """

    url: str
    host: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPolicy:
    """What the operator allows.

    Args:
        allow_private: Also the operator's own networks and this machine, on every port. Link-local addresses and the
            metadata services of clouds stay refused: no receiver lives there, and credentials do.
    """

    allow_private: bool = False

    def target(self, url: str, secret: str | None = None) -> WebhookTarget:
        """A receiver from what a caller sent; without a secret it is given a new one.

        Raises:
            InvalidWebhook: The URL or the secret cannot be used.
        """
        parsed = self.checked(url)
        signed_with = new_secret() if secret is None else checked_secret(secret)
        return WebhookTarget(url, f"{parsed.host}:{parsed.port}", signed_with)

    def checked(self, url: str) -> URL:
        """The URL, when nothing can be seen that speaks against it.

        Raises:
            InvalidWebhook: Another scheme, no host, a user name or password, a port or address that is not allowed.
        """
        parsed = _parsed(url)
        if parsed.user is not None or parsed.password is not None:
            raise InvalidWebhook("url", "has a user name or password: receivers know us by the signature")
        if not self._allows_port(parsed.port or 0):
            raise InvalidWebhook("url", f"has port {parsed.port}: 80, 443 and those from 1024 up are allowed")
        if not self._allows_host(parsed.host or ""):
            raise InvalidWebhook("url", f"leads to {parsed.host}, which is not a public address")
        return parsed

    def allows(self, address: str) -> bool:
        """Whether a connection to this address may be made."""
        parsed = parse_address(address)
        return parsed is not None and self._allows_address(parsed)

    def _allows_port(self, port: int) -> bool:
        return port in _WEB_PORTS or port >= _FIRST_UNPRIVILEGED_PORT or (self.allow_private and port > 0)

    def _allows_host(self, host: str) -> bool:
        address = written_address(host)
        if address is not None:
            return self._allows_address(address)
        return self.allow_private or not names_this_machine(host)

    def _allows_address(self, address: Address) -> bool:
        if is_public(address):
            return True
        plain = _unmapped(address)
        own = any(plain in network for network in _OWN_NETWORKS if network.version == plain.version)
        return self.allow_private and own and plain not in _METADATA


def _parsed(url: str) -> URL:
    from yarl import URL

    if len(url) > _LONGEST_URL:
        raise InvalidWebhook("url", f"is longer than {_LONGEST_URL} characters")
    try:
        parsed = URL(url)
        usable = url.isprintable() and parsed.scheme in {"http", "https"} and parsed.port is not None
        usable = usable and 0 < len(parsed.host or "") <= _LONGEST_HOST
    except ValueError:
        usable = False
    if not usable:
        raise InvalidWebhook("url", "must be an http:// or https:// URL with a host")
    return parsed


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
