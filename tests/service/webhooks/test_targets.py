from __future__ import annotations

import pytest

from service.webhooks.errors import InvalidWebhook
from service.webhooks.targets import TargetPolicy

STRICT = TargetPolicy()
OPEN = TargetPolicy(allow_private=True)
METADATA = [
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "::ffff:169.254.169.254",
    "fd00:ec2::254",
    "fe80::1",
    "64:ff9b::a9fe:a9fe",
]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example/riddles?of=today", "hooks.example:443"),
        ("http://hooks.example", "hooks.example:80"),
        ("https://hooks.example:8443/", "hooks.example:8443"),
        ("https://HOOKS.Example/", "hooks.example:443"),
        ("https://93.184.216.34/", "93.184.216.34:443"),
        ("https://[2606:4700::1111]/", "2606:4700::1111:443"),
    ],
)
def test_public_receivers_are_taken_and_grouped_by_host(url: str, host: str) -> None:
    target = STRICT.target(url)
    assert (target.url, target.host) == (url, host)
    assert target.secret.startswith("whsec_")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://hooks.example/", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("hooks.example", "http:// or https://"),
        ("//hooks.example/", "http:// or https://"),
        ("http://", "http:// or https://"),
        ("http://[broken", "http:// or https://"),
        ("http://hooks.example/\x00", "http:// or https://"),
        ("http://hooks.example/\r\nX-Injected: 1", "http:// or https://"),
        (f"http://{'a.' * 200}example/", "http:// or https://"),
        ("http://hooks.example:99999/", "http:// or https://"),
        ("http://hooks.example:0/", "port 0"),
        ("https://me:hunter2@hooks.example/", "user name or password"),
        ("https://me@hooks.example/", "user name or password"),
        ("http://hooks.example:25/", "port 25"),
        ("http://hooks.example:22/", "port 22"),
        ("http://127.0.0.1/", "not a public address"),
        ("http://127.1/", "not a public address"),
        ("http://2130706433/", "not a public address"),
        ("http://0x7f.0.0.1/", "not a public address"),
        ("http://0177.0.0.1/", "not a public address"),
        ("http://0/", "not a public address"),
        ("http://[::1]/", "not a public address"),
        ("http://[::ffff:10.0.0.1]/", "not a public address"),
        ("http://[fe80::1%25eth0]/", "not a public address"),
        ("http://１２７.０.０.１/", "not a public address"),  # noqa: RUF001  # full-width digits
        ("http://localhost:8000/", "not a public address"),
        ("http://LOCALHOST./", "not a public address"),
        ("http://anything.localhost/", "not a public address"),
        ("http://10.1.2.3:8080/", "not a public address"),
        (f"http://hooks.example/{'x' * 3000}", "longer than"),
    ],
)
def test_a_url_that_leads_astray_is_refused_when_it_is_given(url: str, reason: str) -> None:
    with pytest.raises(InvalidWebhook, match=reason) as caught:
        STRICT.target(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", METADATA)
@pytest.mark.parametrize("policy", [STRICT, OPEN], ids=["strict", "open"])
def test_metadata_services_and_link_local_addresses_are_never_allowed(host: str, policy: TargetPolicy) -> None:
    assert not policy.allows(host)
    with pytest.raises(InvalidWebhook, match="not a public address"):
        policy.target(f"http://[{host}]/" if ":" in host else f"http://{host}/")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "100.64.0.1", "[::1]", "[fd12::1]", "localhost"]
)
def test_the_operator_may_allow_own_networks_on_every_port(host: str) -> None:
    url = f"http://{host}:81/"
    with pytest.raises(InvalidWebhook):
        STRICT.target(url)
    assert OPEN.target(url).url == url


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "2002:7f00:1::", "nonsense"])
def test_allowing_own_networks_does_not_allow_what_is_no_network(address: str) -> None:
    assert not OPEN.allows(address)


def test_a_target_does_not_show_its_secret() -> None:
    target = STRICT.target("https://hooks.example/")
    assert target.secret not in repr(target)
