"""A web site on this machine: real connections, and a log of who asked for what."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

Page = tuple[int, dict[str, str], bytes]


NOTHING: Page = (404, {}, b"")


class Site:
    """Pages by path, with or without its query: (status, headers, body), or a
    function of the request's handler.

    `asked` are the paths in the order of the requests, `times` when they came,
    `headers` what they said.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Page | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        self.times: list[float] = []
        self.headers: list[dict[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.times.append(time.monotonic())
                site.headers.append({k.lower(): v for k, v in self.headers.items()})
                bare = self.path.partition("?")[0]
                page = site.pages.get(self.path) or site.pages.get(bare, NOTHING)
                if callable(page):
                    page(self)
                    return
                status, headers, body = page
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that hangs up is no news
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=(0.01,), daemon=True
        )

    def add(self, path: str, body: str = "x", status: int = 200, **headers: str) -> str:
        """Put a page on the site and return its URL."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Content-Type", "text/html")
        self.pages[path] = (status, named, body.encode())
        return self.url + path

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        self.pages[path] = (status, {"Location": target}, b"")
        return self.url + path

    def asked_pages(self) -> list[str]:
        """What was asked for, robots.txt aside, sorted."""
        return sorted(path for path in self.asked if path != "/robots.txt")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "*")
    site = Site()
    site.thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
