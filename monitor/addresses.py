"""Which addresses an outgoing connection may reach.

Everything that is not plainly public is refused, unless a network on the allow list holds it. `ipaddress.is_global` alone
will not do: it lets NAT64, 6to4, IPv4-compatible and multicast addresses through, so we keep our own table and look at the IPv4
address inside an IPv6 one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = frozenset({80, 443, 8080, 8443})

# IANA's special-purpose registries, and what clouds keep for themselves.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))
_EMBEDDING = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
# Cloud metadata hands out credentials: a wide network on the allow list never opens it, only the very address does.
_METADATA: tuple[Network, ...] = (
    *map(IPv4Network, ("169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32")),
    *map(IPv6Network, ("fd00:ec2::/32", "fd20:ce::254/128", "fe80::/10")),
)


class Blocked(OSError):
    """An address or port that must not be connected to."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides on one address and port, just before the socket is made."""

    allow: tuple[Network, ...] = field(default=())

    @classmethod
    def of(cls, networks: Iterable[str]) -> Guard:
        """A guard that also lets connections into these networks ("10.1.0.0/16"). Raises ConfigError."""
        try:
            return cls(tuple(ip_network(net) for net in networks))
        except ValueError as error:
            raise ConfigError(f"not a network such as 10.1.0.0/16: {error}") from error

    def check(self, host: str, port: int, ports: Collection[int] = PORTS) -> None:
        """Raises Blocked unless this very address may be reached at this port: one of `ports`, unless it is on the allow list."""
        try:
            address = unwrapped(ip_address(host))
        except ValueError:
            raise Blocked(f"blocked address {host}") from None
        if self._allowed(address):
            return
        if not _public(address):
            raise Blocked(f"blocked address {host}")
        if port not in ports:
            raise Blocked(f"blocked port {port}")

    def _allowed(self, address: Address) -> bool:
        holding = [net for net in self.allow if address in net]
        if any(address in net for net in _METADATA):
            return any(net.prefixlen == net.max_prefixlen for net in holding)
        return bool(holding)


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, compatible, translated, NAT64, 6to4), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in net for net in _EMBEDDING) and int(address) & 0xFFFFFFFF > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _NOT_PUBLIC_4) and address.is_global
    return address in _PUBLIC_6 and not any(address in net for net in _NOT_PUBLIC_6) and address.is_global
