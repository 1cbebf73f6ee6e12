"""Which addresses a webhook may be sent to. Pure: names are resolved elsewhere, and judged here.

A worker sits inside the cluster, so a URL that somebody else chose must not become a way into it: only the
public internet over https is allowed, unless the resource says more. Loopback, link-local and the metadata
services of clouds stay closed even where private networks are open; only a network that is named opens them.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

_PORTS = {"https": 443, "http": 80}
_METADATA = tuple(
    ip_network(network)
    for network in (
        "169.254.169.254",  # EC2, GCE, Azure and most others
        "fd00:ec2::/32",  # EC2's services and EKS by IPv6
        "fd20:ce::254",  # GCE by IPv6
        "fd00:42::42",  # Scaleway by IPv6
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure's host
        "192.0.0.192",  # Oracle Cloud Classic
    )
)
_PRIVATE = tuple(
    ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_PUBLIC_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


class Forbidden(ValueError):  # noqa: N818  # a decision, not a fault
    """The target is not allowed; the text says why and names no secret part of the URL."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed beyond https to the public internet."""

    http: bool = False
    private: bool = False
    networks: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart."""

    scheme: str
    host: str
    port: int
    path: str


def target(url: str, policy: Policy) -> Target:
    """Return the parts of a URL; raise ``Forbidden`` for one that is none or whose scheme is not allowed."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise Forbidden("a URL consists of printable ASCII characters without blanks")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise Forbidden("this is no URL") from fault
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Forbidden("a URL begins with https:// and a host")
    if parts.scheme == "http" and not policy.http:
        raise Forbidden("http is not encrypted; allowHttp: true allows it")
    if "@" in parts.netloc:
        raise Forbidden("a URL can't hold a user and a password")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], path)


def permitted(addresses: Iterable[str], policy: Policy) -> list[str]:
    """Return the addresses that may be connected to, in their order; raise ``Forbidden`` when none may."""
    found = [(address, obstacle(address, policy)) for address in addresses]
    allowed = [address for address, reason in found if reason is None]
    if not allowed:
        reasons = "; ".join(f"{address} {reason}" for address, reason in found)
        raise Forbidden(reasons or "the name has no address")
    return allowed


def obstacle(address: str, policy: Policy) -> str | None:
    """Return why an address may not be connected to, or None when it may."""
    ip = _meant(ip_address(address.partition("%")[0]))
    if any(ip in network for network in policy.networks if network.version == ip.version):
        return None
    if any(ip in network for network in _METADATA if network.version == ip.version):
        return "is a cloud's metadata service"
    if any(ip in network for network in _PRIVATE if network.version == ip.version):
        return None if policy.private else "is in a private network; allowPrivate: true allows it"
    if not _public(ip):
        return "is not on the public internet; only a network in allowedNetworks opens it"
    return None


def _meant(ip: Address) -> Address:
    """Return the IPv4 address that some IPv6 addresses stand for."""
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip


def _public(ip: Address) -> bool:
    if isinstance(ip, IPv6Address) and ip not in _PUBLIC_IPV6:
        return False
    return ip.is_global and not ip.is_multicast
