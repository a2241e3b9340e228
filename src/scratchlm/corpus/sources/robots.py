"""robots.txt by RFC 9309: what a host allows to whom.

The longest matching rule decides, allowing wins between equals, `*` stands for
anything and a final `$` for the end of the path. A crawler obeys the groups that name
it, all together, else those for `*`. (The standard library's parser takes the first
matching rule and reads `*` in a path as a letter.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlsplit

MOST_BYTES = 500 * 1024  # what RFC 9309 wants to be read


@dataclass(frozen=True)
class Robots:
    """What one crawler may do on one host. `delay_s` is None where none is asked."""

    rules: tuple[tuple[str, bool], ...] = ()
    delay_s: float | None = None

    def allows(self, url: str) -> bool:
        """May this URL of the host be fetched?"""
        parts = urlsplit(url)
        path = _normal(parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if path == "/robots.txt":
            return True
        found = [(len(p), allow) for p, allow in self.rules if matches(p, path)]
        return max(found, default=(0, True))[1]


NOTHING = Robots((("/", False),))


def parse_robots(text: str, agent: str) -> Robots:
    """The rules for a crawler that calls itself `agent` (`name/1.0 …` is `name`)."""
    token = agent.partition("/")[0].strip().lower()
    named: list[tuple[str, str]] = []
    general: list[tuple[str, str]] = []
    has_own_group = False
    for agents, lines in _groups(text):
        if token in agents:
            has_own_group = True
            named += lines
        elif "*" in agents:
            general += lines
    chosen = named if has_own_group else general
    rules = tuple(
        (_normal(value), key == "allow")
        for key, value in chosen
        if value and key in ("allow", "disallow")
    )
    delays = [value for key, value in chosen if key == "crawl-delay"]
    return Robots(rules, _seconds(delays[0]) if delays else None)


def matches(pattern: str, path: str) -> bool:
    """Does a path match a rule? In one pass, however many `*` the rule has."""
    anchored = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    last = rest.pop() if rest and anchored else None
    for part in rest:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if not anchored:
        return True
    return (
        at + len(last) <= len(path) and path.endswith(last)
        if last is not None
        else (at == len(path))
    )


def _groups(text: str) -> Iterator[tuple[set[str], list[tuple[str, str]]]]:
    """Groups of a file: the agents in lower case, then their (key, value) lines."""
    agents: set[str] = set()
    lines: list[tuple[str, str]] = []
    for key, value in _lines(text):
        if key == "user-agent":
            if lines:
                yield agents, lines
                agents, lines = set(), []
            agents.add(value.partition("/")[0].strip().lower())
        elif key in ("allow", "disallow", "crawl-delay"):
            lines.append((key, value))
    yield agents, lines


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.removeprefix("\ufeff").splitlines():
        key, mark, value = line.partition("#")[0].partition(":")
        if mark:
            yield key.strip().lower(), value.strip()


def _normal(path: str) -> str:
    """One spelling of a path, however its characters were escaped."""
    return quote(unquote_to_bytes(path), safe="/*$!&'()+,;:=@~?")


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
