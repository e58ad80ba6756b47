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
    """Whether two addresses belong to one publisher: the same registered domain, or the same host."""
    import courlan

    domain = courlan.extract_domain(one, fast=True)
    return host_of(one) == host_of(other) or (domain is not None and domain == courlan.extract_domain(other, fast=True))


def _parsed(url: str) -> URL | None:
    from yarl import URL

    try:
        parsed = URL(url.strip())
    except ValueError:
        return None
    return parsed if parsed.scheme in ("http", "https") and parsed.raw_host else None


def _tracks(parameter: str) -> bool:
    return _TRACKING.fullmatch(parameter.partition("=")[0]) is not None
