"""Which HTTP proxy the system wants us to use for an address."""

from __future__ import annotations

import ipaddress
import urllib.parse
import urllib.request


def proxy_for(url: str) -> str | None:
    """The proxy the system names for this URL (`HTTPS_PROXY` and its kin); never one for this very machine."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    if _is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
