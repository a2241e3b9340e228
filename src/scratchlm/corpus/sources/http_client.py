"""One HTTP request with an end: a limit of time, of size, and no redirects followed.

The standard library's time-out holds for each receipt of bytes: a server that sends
one a second would be waited for for ever. Here a watchdog closes the connection.
"""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

CHUNK_BYTES = 2**16
_SAFE = "/%!$&'()*+,;=:@~-._"


class FetchError(Exception):
    """A page that was not had. `transient`: another attempt might get it."""

    def __init__(
        self, reason: str, detail: str = "", *, transient: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.transient = reason, detail, transient
        self.retry_after_s = 0.0


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, and the body (of status 200 only)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def normal_url(text: str, base: str = "") -> str:
    """A web address in one spelling, without fragment, fit for a request.

    Raises:
        FetchError: it is none.
    """
    try:
        parts = urlsplit(urljoin(base, text.strip()))
        host, port = parts.hostname or "", parts.port
        name = host if ":" in host else host.encode("idna").decode("ascii")
    except ValueError:  # also a name that IDNA does not know
        raise FetchError("not a web address") from None
    if parts.scheme not in ("http", "https") or not name or "@" in parts.netloc:
        raise FetchError("not a web address")
    place = f"[{name}]" if ":" in name else name
    if port and port != _port(parts.scheme):
        place += f":{port}"
    path = quote(parts.path or "/", safe=_SAFE)
    query = quote(parts.query, safe=_SAFE + "?")
    return f"{parts.scheme}://{place}{path}" + (f"?{query}" if query else "")


def origin_of(url: str) -> str:
    """Scheme, host and port: whom one asks."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def request(
    url: str, headers: Mapping[str, str], timeout_s: float, max_bytes: int
) -> Answer:
    """GET a URL once.

    Raises:
        FetchError: no connection, too slow, too large, or cut off.
    """
    with open_response(url, headers, timeout_s, timeout_s) as response:
        return _read(response, max_bytes)


@contextlib.contextmanager
def open_response(
    url: str,
    headers: Mapping[str, str],
    timeout_s: float,
    most_s: float | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """GET a URL and read the answer in the block: `timeout_s` between two receipts,
    `most_s` in all (None: as long as it takes).

    Raises:
        FetchError: no connection, too slow, or cut off.
    """
    connection, target, more = _connect(urlsplit(url), timeout_s)
    with _Watchdog(connection.sock, most_s) as watchdog:
        try:
            connection.request("GET", target, headers={**headers, **more})
            yield connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            if not watchdog.has_struck and not isinstance(error, TimeoutError):
                detail = str(error)
                raise FetchError("broken connection", detail, transient=True) from None
            watchdog.has_struck = True
        finally:
            connection.close()
        if watchdog.has_struck:  # a body without a length ends without an error
            raise FetchError(f"takes longer than {timeout_s:g} s", transient=True)


def read_chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """A body as it comes in.

    Raises:
        http.client.IncompleteRead: it ended before the length that was promised.
    """
    while chunk := response.read1(CHUNK_BYTES):
        yield chunk
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


def _read(response: http.client.HTTPResponse, max_bytes: int) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    if response.status != 200:
        return Answer(response.status, headers)
    body = bytearray()
    if (response.length or 0) > max_bytes:
        raise FetchError(f"larger than {max_bytes} bytes")
    for chunk in read_chunks(response):
        body += chunk
        if len(body) > max_bytes:
            raise FetchError(f"larger than {max_bytes} bytes")
    return Answer(200, headers, bytes(body))


def _connect(
    parts: SplitResult, timeout_s: float
) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    try:
        connection, target, more = _connection(parts, timeout_s)
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        raise FetchError("no connection", str(error), transient=True) from None
    return connection, target, more


def _connection(
    parts: SplitResult, timeout_s: float
) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    """A connection, through a proxy if the environment names one, and the target."""
    kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    host, port = parts.hostname or "", parts.port or _port(parts.scheme)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    proxy = "" if proxy_bypass(host) else getproxies().get(parts.scheme, "")
    if not proxy:
        return kind[parts.scheme](host, port, timeout=timeout_s), target, {}
    through = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    said = _proxy_authorization(through)
    connection = kind[parts.scheme](
        through.hostname or "", through.port or 8080, timeout=timeout_s
    )
    if parts.scheme == "http":
        return connection, parts.geturl(), said
    connection.set_tunnel(host, port, said)
    return connection, target, {}


def _proxy_authorization(proxy: SplitResult) -> dict[str, str]:
    from base64 import b64encode

    if proxy.username is None:
        return {}
    pair = (
        unquote_to_bytes(proxy.username) + b":" + unquote_to_bytes(proxy.password or "")
    )
    return {"Proxy-Authorization": "Basic " + b64encode(pair).decode("ascii")}


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


class _Watchdog:
    """Shuts a socket when its time is up, whatever a thread does with it."""

    def __init__(self, sock: socket.socket, most_s: float | None) -> None:
        self.has_struck = False
        self._sock = sock
        self._timer = threading.Timer(most_s or threading.TIMEOUT_MAX, self._strike)
        self._timer.daemon = True

    def __enter__(self) -> "_Watchdog":
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()

    def _strike(self) -> None:
        self.has_struck = True
        with contextlib.suppress(OSError):  # it has ended by itself
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
