"""Which URLs and addresses a webhook may be sent to."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from eventconsumer_workers.sinks.targets import Forbidden, Policy, Target, obstacle, permitted, target

PUBLIC = "93.184.215.14"
CLOSED_TO_ALL = {
    "loopback": "127.0.0.1",
    "loopback by IPv6": "::1",
    "this host": "0.0.0.0",  # noqa: S104  # judged, not bound
    "unspecified by IPv6": "::",
    "link-local": "169.254.7.7",
    "link-local by IPv6": "fe80::1%eth0",
    "metadata of most clouds": "169.254.169.254",
    "metadata of EC2 by IPv6": "fd00:ec2::254",
    "EKS by IPv6": "fd00:ec2::23",
    "metadata of GCE by IPv6": "fd20:ce::254",
    "metadata of Scaleway by IPv6": "fd00:42::42",
    "metadata of Oracle Cloud Classic": "192.0.0.192",
    "metadata of Alibaba Cloud": "100.100.100.200",
    "Azure's host": "168.63.129.16",
    "multicast": "224.0.0.1",
    "multicast by IPv6": "ff02::1",
    "broadcast": "255.255.255.255",
    "documentation": "192.0.2.1",
    "site-local": "fec0::1",
    "IPv4 loopback in IPv6": "::ffff:127.0.0.1",
    "IPv4 loopback in the old form": "::127.0.0.1",
    "metadata by NAT64": "64:ff9b::169.254.169.254",
    "metadata by 6to4": "2002:a9fe:a9fe::1",
}
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12:3456::1", "::ffff:10.0.0.1"]


@pytest.mark.parametrize("address", CLOSED_TO_ALL.values(), ids=CLOSED_TO_ALL.keys())
def test_the_node_and_the_cloud_are_closed_even_where_private_networks_are_open(address: str) -> None:
    assert obstacle(address, Policy(private=True)) is not None


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_network_opens_only_when_the_resource_says_so(address: str) -> None:
    assert "allowPrivate" in str(obstacle(address, Policy()))
    assert obstacle(address, Policy(private=True)) is None


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
def test_the_public_internet_is_open(address: str) -> None:
    assert obstacle(address, Policy()) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"])
def test_a_network_that_is_named_is_open_whatever_it_is(address: str) -> None:
    networks = (ip_network("127.0.0.0/8"), ip_network("169.254.169.254/32"))
    assert obstacle(address, Policy(networks=networks)) is None


@pytest.mark.parametrize("address", ["127.0.0.2", "10.0.0.1", "169.254.169.254", "::1", "fd12::1"])
def test_a_network_that_is_named_opens_no_other(address: str) -> None:
    networks = (ip_network("127.0.0.1/32"), ip_network("fd34::/16"))
    assert obstacle(address, Policy(networks=networks)) is not None


def test_of_several_addresses_only_the_allowed_ones_are_left() -> None:
    assert permitted(["127.0.0.1", PUBLIC, "::1"], Policy()) == [PUBLIC]


def test_a_name_with_forbidden_addresses_only_is_refused_with_the_reasons() -> None:
    with pytest.raises(
        Forbidden, match=r"127\.0\.0\.1 is not on the public internet.*10\.0\.0\.1 is in a private"
    ):
        permitted(["127.0.0.1", "10.0.0.1"], Policy())


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(Forbidden, match="no address"):
        permitted([], Policy())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example/in", Target("https", "hooks.example", 443, "/in")),
        ("https://hooks.example:8443", Target("https", "hooks.example", 8443, "/")),
        ("https://hooks.example/a?key=b#part", Target("https", "hooks.example", 443, "/a?key=b")),
        ("https://[2606:2800::1]/a", Target("https", "2606:2800::1", 443, "/a")),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: Target) -> None:
    assert target(url, Policy()) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example/", "allowHttp"),
        ("ftp://hooks.example/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("hooks.example/in", "https://"),
        ("https:///in", "https://"),
        ("https://user:word@hooks.example/", "user and a password"),
        ("https://hooks.example/a b", "printable"),
        ("https://hooks.example/\r\nX-Header: 1", "printable"),
        ("https://hooks.example/\r\nX-Header:1", "printable"),
        ("https://hooks.exämple/", "printable"),
        ("https://hooks.example:port/", "no URL"),
        ("https://[::1/", "no URL"),
        ("", "https://"),
    ],
)
def test_what_is_no_https_url_is_refused_without_repeating_it(url: str, reason: str) -> None:
    with pytest.raises(Forbidden, match=reason) as refused:
        target(url, Policy())
    assert not url or url not in str(refused.value)


def test_http_is_allowed_where_the_resource_says_so() -> None:
    assert target("http://mail.tasks.svc:8025/", Policy(http=True)).port == 8025
