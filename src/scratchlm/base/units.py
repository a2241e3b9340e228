"""Numbers for people: three digits and a unit; and sizes as people write them."""

import re

from scratchlm.base.errors import UserError

_SIZE = re.compile(r"\s*([0-9.]+)\s*([kKmMgGtT]?)(i?)[bB]?\s*")


def format_count(value: float) -> str:
    """Format a count: `format_count(4_200_000) == "4.20 M"`."""
    return _scaled(value, 1000, ("", "k", "M", "G", "T", "P"))


def format_bytes(value: float) -> str:
    """Format a size in decimal units: `format_bytes(11_200_000) == "11.2 MB"`."""
    return _scaled(value, 1000, ("B", "kB", "MB", "GB", "TB", "PB"))


def parse_bytes(text: str) -> int:
    """Read a size: `parse_bytes("512MB") == 512_000_000`, `parse_bytes("2GiB")`.

    Raises:
        UserError: it is no size above zero.
    """
    found = _SIZE.fullmatch(text)
    try:
        number = float(found[1]) if found else 0.0
    except ValueError:
        number = 0.0
    if not found or number <= 0:
        raise UserError(f"{text!r} is no size; write it as 512MB or 2GiB")
    power = " KMGT".index(found[2].upper() or " ")
    base = 1024 if found[3] else 1000
    return round(number * float(base) ** power)


def format_rate(value: float, what: str) -> str:
    """Format a rate: `format_rate(8700, "tokens") == "8.70 k tokens/s"`."""
    return f"{format_count(value)} {what}/s"


def format_duration(seconds: float) -> str:
    """Format a time in seconds: `format_duration(250) == "4 min 10 s"`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def _scaled(value: float, base: int, units: tuple[str, ...]) -> str:
    size = float(value)
    for unit in units[:-1]:
        if abs(size) < base:
            return f"{_three_digits(size)} {unit}".strip()
        size /= base
    return f"{_three_digits(size)} {units[-1]}"


def _three_digits(value: float) -> str:
    if value == int(value) and abs(value) < 1000:
        return str(int(value))
    digits = max(0, 2 - len(str(int(abs(value)))) + 1)
    return f"{value:.{digits}f}"
