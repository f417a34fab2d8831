"""S3 of the peers' list: which addresses a link that somebody else wrote may lead to."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::169.254.169.254",
        "2002:7f00:1::",
    ],
)
def test_an_address_inside_a_network_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["157.240.0.60", "2a03:2880:f12f:83:face:b00c:0:25de"])
def test_an_address_of_the_internet_is_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("no_address", ["", "localhost", "2130706433", "0x7f.1", "1.2.3", "::g"])
def test_what_is_no_address_is_refused(no_address: str) -> None:
    assert not is_public(no_address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_judged_like_itself(address: IPv4Address) -> None:
    bare = is_public(str(address))

    assert is_public(f"::ffff:{address}") is bare
    assert is_public(str(IPv6Address(b"\x00\x64\xff\x9b" + bytes(8) + address.packed))) is bare
