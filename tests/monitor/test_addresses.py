"""Which addresses may be reached."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from aiohttp import ThreadedResolver

from monitor.addresses import Blocked, Guard
from monitor.egress.clients import sending, trusted
from monitor.errors import ConfigError

PUBLIC = [
    "93.184.216.34",
    "8.8.8.8",
    "2606:2800:220:1::1",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
HOSTILE = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.254 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8
    192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    100.100.100.200 168.63.129.16 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:7f00:1 64:ff9b::7f00:1
    64:ff9b:1::7f00:1 100::1 2001::1 2001:db8::1 2001:10::1 2002:7f00:1::1 2002:a00:1:: 3fff::1 fc00::1 fd00:ec2::254 fe80::1
    fe80::1%eth0 fec0::1 ff02::1 ff0e::1 nonsense
""".split()


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached(address: str) -> None:
    Guard().check(address, 443)


@pytest.mark.parametrize("address", HOSTILE)
def test_what_is_not_plainly_public_is_refused(address: str) -> None:
    with pytest.raises(Blocked, match="blocked address"):
        Guard().check(address, 443)


def test_only_web_ports_of_public_addresses_may_be_reached() -> None:
    with pytest.raises(Blocked, match="blocked port 6379"):
        Guard().check("8.8.8.8", 6379)


def test_any_port_of_an_allowed_network_may_be_reached_however_the_address_is_written() -> None:
    guard = Guard.of(["10.1.0.0/16", "fd12::/16"])

    guard.check("10.1.2.3", 9999)
    guard.check("::ffff:10.1.2.3", 9999)
    guard.check("fd12::7", 25)
    with pytest.raises(Blocked):
        guard.check("10.2.0.1", 80)


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254", "fe80::1"])
def test_a_wide_network_never_opens_the_metadata_of_a_cloud(address: str) -> None:
    with pytest.raises(Blocked):
        Guard.of(["0.0.0.0/0", "::/0", "169.254.0.0/16", "100.64.0.0/10", "fd00::/8", "fe80::/10"]).check(address, 80)


def test_the_very_address_opens_it() -> None:
    guard = Guard.of(["169.254.169.254/32", "fd00:ec2::254/128"])

    guard.check("169.254.169.254", 80)
    guard.check("fd00:ec2::254", 80)


def test_the_zone_of_an_address_changes_nothing() -> None:
    Guard().check("2606:2800:220:1::1%eth0", 443)
    Guard.of(["fe80::1/128"]).check("fe80::1%eth0", 443)
    for address in ("::ffff:127.0.0.1%eth0", "64:ff9b::7f00:1%1", "::1%lo", "fe80::2%eth0", "127.0.0.1%lo"):
        with pytest.raises(Blocked, match="blocked address"):
            Guard.of(["fe80::1/128"]).check(address, 443)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("::1/128", "::1"),
        ("::/128", "::"),
        ("0.0.0.2/32", "::ffff:0.0.0.2"),
        ("0.0.0.2/32", "::2"),
        ("10.0.0.1/32", "2002:a00:1::"),
        ("10.0.0.1/32", "::ffff:0:a00:1"),
    ],
)
def test_an_address_that_is_allowed_may_be_reached_as_it_is_written(network: str, address: str) -> None:
    Guard.of([network]).check(address, 80)
    with pytest.raises(Blocked):
        Guard().check(address, 80)


@pytest.mark.parametrize("port", [80, 443, 8080, 8443])
def test_where_the_web_is_may_be_reached(port: int) -> None:
    Guard().check("8.8.8.8", port)
    for near in (port - 1, port + 1):
        with pytest.raises(Blocked, match=f"blocked port {near}"):
            Guard().check("8.8.8.8", near)


def test_who_asks_may_name_other_ports() -> None:
    Guard().check("8.8.8.8", 587, ports={587})
    with pytest.raises(Blocked, match="blocked port 443"):
        Guard().check("8.8.8.8", 443, ports={587})


REGISTERED = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24
    192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4
    240.0.0.0/4 168.63.129.16/32 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 ::/96 ::ffff:0:0:0/96 fc00::/7
    fe80::/10 ff00::/8
""".split()


@pytest.mark.parametrize("network", REGISTERED)
def test_from_the_first_to_the_last_address_of_what_is_registered_for_something_else(network: str) -> None:
    """IANA's special-purpose registries."""
    whole = ip_network(network)
    for address in (whole[0], whole[-1]):
        with pytest.raises(Blocked, match="blocked address"):
            Guard().check(str(address), 443)


@pytest.mark.parametrize("network", REGISTERED)
def test_our_own_table_has_them_whatever_this_python_knows_of_them(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is global was put right in several patch releases."""
    for kind in (IPv4Address, IPv6Address):
        monkeypatch.setattr(kind, "is_global", True)
    whole = ip_network(network)
    for address in (whole[0], whole[-1]):
        with pytest.raises(Blocked, match="blocked address"):
            Guard().check(str(address), 443)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("169.254.0.0/16", "169.254.0.1"),
        ("100.100.100.0/24", "100.100.100.200"),
        ("168.63.0.0/16", "168.63.129.16"),
        ("192.0.0.0/24", "192.0.0.192"),
        ("fd00:ec2::/32", "fd00:ec2::254"),
        ("fd20:ce::/64", "fd20:ce::254"),
        ("fe80::/10", "fe80::1"),
    ],
)
def test_each_cloud_s_metadata_is_opened_by_its_very_address_alone(network: str, address: str) -> None:
    with pytest.raises(Blocked):
        Guard.of([network]).check(address, 80)
    Guard.of([address]).check(address, 80)


async def test_no_socket_of_this_machine_is_reached() -> None:
    """Whoever could name one would be past every table of addresses."""
    async with sending(Guard(), ThreadedResolver(), trusted(), "test") as client:
        backend = client._transport._pool._network_backend  # type: ignore[attr-defined]
        with pytest.raises(Blocked, match=r"blocked socket /run/docker\.sock"):
            await backend.connect_unix_socket("/run/docker.sock")


@pytest.mark.parametrize("network", ["10.0.0.1/8", "ten", "10.0.0.0/33", ""])
def test_a_network_that_is_none_is_a_setting_to_mend(network: str) -> None:
    with pytest.raises(ConfigError, match=r"10\.1\.0\.0/16"):
        Guard.of([network])
