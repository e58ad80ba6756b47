"""Which network addresses are public, and what address or name a host is written as."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_REFUSED: tuple[Network, ...] = (
    # what `is_global` of some Python versions lets through
    ip_network("100.64.0.0/10"),  # carrier-grade NAT
    ip_network("192.0.0.0/24"),  # protocol assignments, one cloud's metadata among them
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("168.63.129.16/32"),  # a cloud's platform service on a public address
    ip_network("2001::/23"),  # Teredo, ORCHID and other protocol assignments
    ip_network("2001:db8::/32"),  # documentation
    ip_network("2002::/16"),  # 6to4: an IPv4 address in disguise
    ip_network("3fff::/20"),  # documentation
)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could reach that address.

    No to private, loopback, link-local (cloud metadata), carrier-grade NAT, multicast, reserved and documentation
    ranges; to IPv6 outside 2000::/3, so to IPv4-mapped, NAT64 and unique local addresses; and to 6to4 and Teredo.
    """
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST_V6:
        return False
    if address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


def parse_address(text: str) -> Address | None:
    """The address that a resolver or URL wrote, or None when it is a name; an IPv6 zone is left out."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def written_address(host: str) -> Address | None:
    """The address a host is written as, in the old spellings too (`127.1`, `2130706433`); None for a name."""
    address = parse_address(host)
    if address is not None:
        return address
    try:
        return ip_address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def names_this_machine(host: str) -> bool:
    """Whether a host is `localhost` or a name under it, which lead here whatever a resolver says."""
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")
