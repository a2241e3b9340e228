"""Public IP addresses. Private, reserved and documentation ranges name nobody.

The special ranges are those of IANA's registries as of 2025, written out here since
`ipaddress.is_global` changes with the version of Python. Not addresses: version
numbers, section numbers, object identifiers, longer rows of numbers.
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Network, IPv6Address, IPv6Network

from scratchlm.corpus.cleaning.masking import Span

_SPECIAL_V4 = """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16
    172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15
    198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"""
_SPECIAL_V6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
_RANGES_V4 = tuple(
    (int(net[0]), int(net[-1])) for net in map(IPv4Network, _SPECIAL_V4.split())
)
_RANGES_V6 = tuple(map(IPv6Network, _SPECIAL_V6.split()))
_GLOBAL_V6 = IPv6Network("2000::/3")
_QUAD = re.compile(r"[0-9][0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![0-9])")
_GROUPS = re.compile(r"[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,35}")
_BEFORE_CHARS = 24
# What stands before a quad that is no address: the end of a longer number or word, a
# package's name, "version", a section.
_NO_ADDRESS_BEFORE = re.compile(
    r"(?:[\w.]|[^\W\d][-/]|[0-9]\.[0-9]*-"
    r"|\b(?:v|ver|vers|version|versions|release|rel|rev|revision|build|firmware|driver"
    r"|sdk|update|patch|upgrade|upgraded|kernel|section|sections|sec|chapter|clause|"
    r"figure|fig|table|part|article|art|appendix|annex|step|rule|item|paragraph|oid"
    r"|kapitel|abschnitt)[.:=]?\s{0,2}(?:to\s|from\s)?[\"'(]?"
    r"|§\s?|(?:[<>~^]=?|[=!]=)\s?)\Z",
    re.I,
)
_RANGE_BEFORE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}-\Z")
_NO_ADDRESS_AFTER = re.compile(r"\.[0-9A-Za-z]|[A-Za-z_]|-[A-Za-z]|%")
# Four small numbers are a version or a section, unless something says address.
_SMALL = 30
_ADDRESS_BEFORE = re.compile(
    r"(?://|@|\b(?:ip|ipv4|ip4|inet|addr|address|host|hostname|server|nameserver|dns"
    r"|gateway|client|peer|ping|from)\W{0,4})\Z",
    re.I,
)
_ADDRESS_AFTER = re.compile(r"[:/][0-9]")


def find_ipv4(text: str, begin: int, end: int) -> Iterator[Span]:
    """Public IPv4 addresses, kind "ip", in a stretch of digits and punctuation."""
    for found in _QUAD.finditer(text, begin, end):
        if _is_address(text, found):
            yield Span(found.start(), found.end(), "ip")


def find_ipv6(text: str) -> Iterator[Span]:
    """Public IPv6 addresses, kind "ip"."""
    if ":" in text:
        for found in _GROUPS.finditer(text):
            end = _v6_end(text, found)
            if end is not None:
                yield Span(found.start(), end, "ip")


def _is_address(text: str, found: re.Match[str]) -> bool:
    parts = found[0].split(".")
    if any(int(part) > 255 or (part[0] == "0" and part != "0") for part in parts):
        return False
    value = int.from_bytes(bytes(map(int, parts)))
    if any(first <= value <= last for first, last in _RANGES_V4):
        return False
    if _NO_ADDRESS_AFTER.match(text, found.end()):
        return False
    before = text[max(0, found.start() - _BEFORE_CHARS) : found.start()]
    if _NO_ADDRESS_BEFORE.search(before) and not _RANGE_BEFORE.search(before):
        return False
    if max(map(int, parts)) > _SMALL or _ADDRESS_BEFORE.search(before):
        return True
    return _ADDRESS_AFTER.match(text, found.end()) is not None


def _v6_end(text: str, found: re.Match[str]) -> int | None:
    """Where a public address ends; None if it is none."""
    before = text[found.start() - 1 : found.start()]
    after = text[found.end() : found.end() + 1]
    if before.isalnum() or before in tuple("_:.-"):
        return None
    if after.isalnum() or after == "_":
        return None
    candidate = found[0]
    if candidate.endswith(":") and not candidate.endswith("::"):
        candidate = candidate[:-1]  # "from 2a00:1450::8a: connection refused"
    try:
        address = IPv6Address(candidate)
    except AddressValueError:
        return None
    if address not in _GLOBAL_V6 or any(address in net for net in _RANGES_V6):
        return None
    return found.start() + len(candidate)
