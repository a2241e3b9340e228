"""Hosts and their rules: one request at a time, a pause between two, robots.txt first.

robots.txt is asked for once and remembered for a day. By RFC 9309 a host without one
(4xx) allows everything, a host that cannot say (5xx, no connection) nothing; 401 and
403 are taken as a no.
"""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes
from scratchlm.corpus.sources.config import FetchConfig
from scratchlm.corpus.sources.http_client import (
    Answer,
    FetchError,
    normal_url,
    origin_of,
    request,
)
from scratchlm.corpus.sources.robots import MOST_BYTES, NOTHING, Robots, parse_robots

ROBOTS_AGE_S = 24 * 3600
LONGEST_RETRY_S = 120.0
FAILURES_TO_GIVE_UP = 5
REDIRECTS = (301, 302, 303, 307, 308)
FORBIDDEN = "forbidden by robots.txt"
UNKNOWN = "robots.txt cannot be read"
GIVEN_UP = f"host failed {FAILURES_TO_GIVE_UP} times in a row"
INTERRUPTED = "interrupted"
NOT_OF_THE_PAGE = (FORBIDDEN, UNKNOWN, GIVEN_UP, INTERRUPTED)


class Hosts:
    """All hosts of one fetch. `stop` ends every wait."""

    def __init__(self, config: FetchConfig, folder: Path) -> None:
        self.config = config
        self.stop = threading.Event()
        self._folder = folder
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for a page when its host may be asked, again if need be.

        Raises:
            FetchError: robots.txt forbids it, or all attempts failed.
        """
        host = self._host(url)
        with host.lock:
            if not self._robots(host).allows(url):
                unknown = host.refusal == UNKNOWN
                raise FetchError(host.refusal, transient=unknown)
            return self._try(host, url, headers, self.config.max_bytes)

    def _host(self, url: str) -> "_Host":
        origin = origin_of(url)
        with self._lock:
            return self._hosts.setdefault(origin, _Host(origin))

    def _try(
        self, host: "_Host", url: str, headers: Mapping[str, str], max_bytes: int
    ) -> Answer:
        if host.n_failed >= FAILURES_TO_GIVE_UP:
            raise FetchError(GIVEN_UP, transient=True)
        for attempt in range(self.config.retries + 1):
            try:
                answer = self._ask(host, url, headers, max_bytes)
            except FetchError as error:
                if not error.transient or attempt == self.config.retries:
                    host.n_failed += error.transient
                    raise
                pause = max(host.delay_s, self.config.delay_s) * 2**attempt
                host.next_s += max(pause, error.retry_after_s)
            else:
                host.n_failed = 0
                return answer
        raise AssertionError("the last attempt returns or raises")

    def _ask(
        self, host: "_Host", url: str, headers: Mapping[str, str], max_bytes: int
    ) -> Answer:
        """One request, after the pause that the host is due."""
        if self.stop.wait(max(0.0, host.next_s - time.monotonic())):
            raise FetchError(INTERRUPTED)
        said = {
            "User-Agent": self.config.user_agent,
            "Accept-Encoding": "identity",
            "Connection": "close",
            **headers,
        }
        try:
            answer = request(url, said, self.config.timeout_s, max_bytes)
        finally:
            host.next_s = time.monotonic() + max(host.delay_s, self.config.delay_s)
        if answer.status == 429 or answer.status >= 500:
            error = FetchError(f"HTTP {answer.status}", transient=True)
            error.retry_after_s = _retry_after_s(answer)
            raise error
        return answer

    def _robots(self, host: "_Host") -> Robots:
        if host.robots is None:
            path = self._folder / f"{sha256_bytes(host.origin.encode())}.json"
            text = _remembered(path)
            if text is None:
                text = self._ask_robots(host)
                if text is not None:
                    write_json(path, {"asked_s": time.time(), "text": text})
            if text is None:
                host.refusal = UNKNOWN
                host.robots = NOTHING
            else:
                host.robots = parse_robots(text, self.config.user_agent)
            host.delay_s = host.robots.delay_s or 0.0
        return host.robots

    def _ask_robots(self, host: "_Host") -> str | None:
        """The text of robots.txt, "" where all is allowed, None where it is unknown."""
        url = f"{host.origin}/robots.txt"
        for _ in range(self.config.max_redirects + 1):
            try:
                answer = self._try(host, url, {}, MOST_BYTES)
                if answer.status not in REDIRECTS:
                    break
                url = normal_url(answer.headers.get("location", ""), url)
            except FetchError:
                return None
        else:
            return ""
        if answer.status in (401, 403):
            return "User-agent: *\nDisallow: /\n"
        return answer.body.decode("utf-8", "replace") if answer.status == 200 else ""


class _Host:
    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.lock = threading.Lock()
        self.robots: Robots | None = None
        self.refusal = FORBIDDEN
        self.delay_s = 0.0
        self.next_s = 0.0  # no request before this, by time.monotonic()
        self.n_failed = 0


def _remembered(path: Path) -> str | None:
    try:
        value = read_json(path)
        is_fresh = 0 <= time.time() - float(value["asked_s"]) < ROBOTS_AGE_S
        return str(value["text"]) if is_fresh else None
    except (UserError, KeyError, TypeError, ValueError):
        return None


def _retry_after_s(answer: Answer) -> float:
    text = answer.headers.get("retry-after", "")
    return min(float(text), LONGEST_RETRY_S) if text.isdecimal() else 0.0
