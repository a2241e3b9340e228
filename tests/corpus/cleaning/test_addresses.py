from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.cleaning.addresses import find_ipv4, find_ipv6
from scratchlm.corpus.cleaning.masking import find_in_digits


def found(text):
    spans = [*find_in_digits([find_ipv4])(text), *find_ipv6(text)]
    return [text[span.begin : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("151.101.1.69", "151.101.1.69"),
        ("ping 8.8.8.8", "8.8.8.8"),
        ("8.8.8.8:53", "8.8.8.8"),
        ("http://8.8.4.4:80/x", "8.8.4.4"),
        ("from 93.184.216.34.", "93.184.216.34"),
        ("(93.184.216.34)", "93.184.216.34"),
        ("block 8.8.8.0/24", "8.8.8.0"),
        ("ip=1.1.1.1;", "1.1.1.1"),
        ("::ffff:151.101.1.69", "151.101.1.69"),
        ("2a00:1450:4001:81b::200e", "2a00:1450:4001:81b::200e"),
        ("[2001:4860:4860::8888]:53", "2001:4860:4860::8888"),
        ("from 2a00:1450::8a: refused", "2a00:1450::8a"),
        ("2001:4860:4860:0:0:0:0:8888.", "2001:4860:4860:0:0:0:0:8888"),
    ],
)
def test_a_public_address_is_found_to_its_boundaries(text, address):
    assert found(text) == [address]


def test_both_ends_of_a_range_are_found():
    assert found("34.1.2.3-34.1.2.9") == ["34.1.2.3", "34.1.2.9"]


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4",
        "Version: 8.8.8.8",
        "v1.2.3.4",
        "upgraded to 8.1.2.3",
        "release 10.12.14.1",
        "requires >=1.2.3.4",
        "==1.2.3.4",
        "Chrome/99.0.48.51",
        "foo-1.2.3.4.tar.gz",
        "1.2.3.4-beta",
        "1.2.3.4rc1",
    ],
)
def test_a_version_is_no_address(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3.4567",
        "1.2.3.4.5",
        "1.3.6.1.4.1.311",
        "256.1.1.1",
        "01.02.03.04",
        "4.3.2.1 Scope of this rule",
        "## 4.3.2.1 Scope",
        "Section 4.3.2.1",
        "see § 4.3.2.1",
        "3.3.3.0  # maintenance release",
        "zstd (1.5.0.3):",
        "rule 151.101.1.69",
        "Table 4.3.2.1",
        "1.1.1.1%",
    ],
)
def test_other_rows_of_numbers_are_no_address(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "172.31.0.1",
        "169.254.1.1",
        "0.0.0.0",
        "100.64.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fc00::1",
        "2001:db8::1",
        "2002:808:808::1",
        "3fff::1",
    ],
)
def test_addresses_that_name_nobody_stay(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "std::vector",
        "dead::beef",
        "12:34:56",
        "aa:bb:cc:dd:ee:ff",
        "2023:10:11",
        "a2001:4860::1",
        "2001:4860::1g",
        "2001:4860::1::2",
        "20:30:40:50:60:70:80:90",
    ],
)
def test_other_things_with_colons_are_no_address(text):
    assert found(text) == []


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1))
def test_public_means_what_the_standard_library_means(value):
    """Apart from ranges on which versions of Python differ."""
    address = IPv4Address(value)
    differing = [("192.0.0.0", 24), ("192.88.99.0", 24), ("224.0.0.0", 4)]
    if any(value >> 32 - n == int(IPv4Address(a)) >> 32 - n for a, n in differing):
        return
    assert found(f"host {address} now") == ([str(address)] if address.is_global else [])
