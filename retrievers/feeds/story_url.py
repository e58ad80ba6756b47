"""One address for one story: what stands in it for the publisher's statistics, or by habit, is taken out.

`courlan`, which comes with trafilatura, has such a function. It drops parameters without a value, so that
`/story?12345` and `/story?67890` become one, and it is not idempotent on stray per cent signs; hence this one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarl import URL

_TRACKING = re.compile(
    r"utm_\w+|at_(?:medium|campaign|custom\d*|link_\w+|ptr_name|format|bbc_team)|(?:pk|piwik|mtm|matomo)_\w+"
    r"|hsa_\w+|mc_(?:cid|eid)|ml_subscriber\w*|_hs(?:enc|mi)|vero_(?:id|conv)|oly_\w+|ns_(?:campaign|mchannel|source|fee"
    r"|linkname)|wt\.?(?:mc|zmc)\w*|fb_(?:action|comment|source)\w*|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid"
    r"|yclid|twclid|ttclid|igshid|igsh|li_fat_id|mkt_tok|cmpid|cmp|ocid|ito|xtor|_ga|_gl|s_cid|ncid|icid|smid|smtyp"
    r"|feature|guccounter|guce_\w+|ref|ref_src|referrer|partner|taid|rss|src_rss|spm",
    re.IGNORECASE,
)
_DEFAULT_PORTS = frozenset({80, 443, None})

_OF_MANY = frozenset(
    {
        "beehiiv.com", "canalblog.com", "ghost.io", "hashnode.dev", "jimdofree.com", "livejournal.com", "medium.com",
        "micro.blog", "neocities.org", "over-blog.com", "pixnet.net", "squarespace.com", "strikingly.com",
        "substack.com", "tumblr.com", "typepad.com", "weebly.com", "wordpress.com", "write.as",
    }
)  # fmt: skip
"""Hosts of many publishers, each under a name of its own, that the public suffix list does not have."""


def story_url(url: str) -> str | None:
    """The address that stands for a story, the same however it was written; applying it twice changes nothing.

    Scheme (http is https here), host in lower case without `www.`, no default port, no fragment, no parameters of
    trackers, the others sorted, no slash at the end.

    Returns:
        None for what is no http(s) address, and for a bare home page, which stands for no story.
    """
    parsed = _parsed(url)
    if parsed is None:
        return None
    host = (parsed.raw_host or "").rstrip(".").removeprefix("www.")
    path = re.sub(r"/{2,}", "/", parsed.raw_path).rstrip("/")
    query = "&".join(sorted(part for part in parsed.raw_query_string.split("&") if part and not _tracks(part)))
    if not host or not (path or query):
        return None
    shown = f"[{host}]" if ":" in host else host
    port = "" if parsed.explicit_port in _DEFAULT_PORTS else f":{parsed.explicit_port}"
    return f"https://{shown}{port}{path}" + (f"?{query}" if query else "")


def host_of(url: str) -> str:
    """The host whose patience a request to `url` takes; empty for what is no http(s) address."""
    parsed = _parsed(url)
    return (parsed.raw_host or "").rstrip(".") if parsed is not None else ""


def same_site(one: str, other: str) -> bool:
    """Whether two addresses belong to one publisher: the same registered domain, or the same host.

    What stands under one domain and belongs to many, as `github.io`, is as many sites.
    """
    host, other_host = host_of(one), host_of(other)
    if not host or not other_host:
        return False
    site = _site(host)
    return host == other_host or (site is not None and site == _site(other_host))


def _site(host: str) -> str | None:
    """The domain that a publisher has registered, by the public suffix list that comes with `tld`; no network."""
    import courlan
    from tld import get_fld

    url = f"https://{host}/"
    domain = get_fld(url, fail_silently=True, search_private=True)
    if domain is None:  # a name of no public registry, as in a network of the operator's own
        return courlan.extract_domain(url, fast=True)
    is_of_many = domain in _OF_MANY or domain.startswith("blogspot.")
    return _below(host, domain) if is_of_many else domain


def _below(host: str, domain: str) -> str:
    names = host.removesuffix(f".{domain}")
    return domain if names == host else f"{names.rpartition('.')[2]}.{domain}"


def _parsed(url: str) -> URL | None:
    from yarl import URL

    try:
        parsed = URL(url.strip())
    except ValueError:
        return None
    return parsed if parsed.scheme in ("http", "https") and parsed.raw_host else None


def _tracks(parameter: str) -> bool:
    return _TRACKING.fullmatch(parameter.partition("=")[0]) is not None
