"""The main text of a web page.

trafilatura (fast mode) and a plain parser run in a process of their own, which ends
itself when one page takes longer than the limit or more memory than it may have. A
page in which trafilatura finds no main text, or on which it hangs, goes through the
plain parser; a page on which that hangs too is unreadable.
"""

import os
import re
import struct
import subprocess
import sys
from html.parser import HTMLParser
from types import TracebackType
from typing import IO

from scratchlm.corpus.decode import UnreadableError

MOST_PAGE_CHARS = 20 * 2**20  # longer pages go to the plain parser at once
LENGTH = struct.Struct("<q")  # of the UTF-8 that follows
MAIN, PLAIN = "M", "P"  # first character of a request: which parser shall read

_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_:.-]{2,40})")
_BLOCK_TAGS = """address article aside blockquote br caption dd div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre
    section table td th title tr ul"""
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_HIDDEN = frozenset(
    ("script", "style", "template", "noscript", "svg", "math", "iframe", "object")
)


class HtmlExtractor:
    """Extracts pages; a context manager, because it owns a process.

    `n_fallback` counts the pages that the plain parser had to read.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.n_fallback = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "HtmlExtractor":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def extract(self, page: str) -> str:
        """The page's text, paragraphs on lines of their own.

        Raises:
            UnreadableError: both parsers take too long or too much memory.
        """
        text = self._ask(MAIN, page) if len(page) <= MOST_PAGE_CHARS else None
        if not text:
            self.n_fallback += 1
            text = self._ask(PLAIN, page)
        if text is None:
            raise UnreadableError("a page that takes too long")
        return text

    def _ask(self, parser: str, page: str) -> str | None:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            write_frame(process.stdin, parser + page)
            return read_frame(process.stdout)
        except (OSError, EOFError):  # it has ended, by its own clock or for memory
            self._stop()
            return None

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "scratchlm.corpus.readers.html_worker"]
        self._process = subprocess.Popen(
            [*command, str(self.timeout_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                "PYTHONHASHSEED": "0",
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def declared_charset(data: bytes) -> str | None:
    """The charset that a page's own <meta> or XML line names."""
    match = _CHARSET.search(data[:4096])
    return match[1].decode("ascii") if match else None


def write_frame(stream: IO[bytes], text: str) -> None:
    """Send one message: its length in bytes, then UTF-8."""
    data = text.encode("utf-8", "replace")
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> str:
    """Receive one message.

    Raises:
        EOFError: the other side has ended.
    """
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data.decode("utf-8")


def plain_text(page: str) -> str:
    """All visible text of a page, a line a block; no judgement of what matters."""
    parser = _PlainParser()
    parser.feed(page)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


class _PlainParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden.append(tag)
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace("\n", " "))
