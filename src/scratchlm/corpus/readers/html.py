"""The main text of a web page.

trafilatura (fast mode) runs in a process of its own, which is killed when one page
takes longer than the limit or more memory than it may have; such pages, and those in
which it finds no main text, go through the plain parser below. A page is never lost.
"""

import os
import re
import struct
import subprocess
import sys
from html.parser import HTMLParser
from types import TracebackType
from typing import IO

MOST_PAGE_CHARS = 20 * 2**20  # longer pages go to the plain parser at once
LENGTH = struct.Struct("<q")  # of the UTF-8 that follows; -1: no text found

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
        """The page's text, paragraphs on lines of their own."""
        text = self._ask(page) if len(page) <= MOST_PAGE_CHARS else None
        if text is None:
            self.n_fallback += 1
            return plain_text(page)
        return text

    def _ask(self, page: str) -> str | None:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        data = page.encode("utf-8", "replace")
        try:
            process.stdin.write(LENGTH.pack(len(data)) + data)
            process.stdin.flush()
            answer = read_frame(process.stdout)
        except (OSError, EOFError):  # it was killed, by its own clock or for memory
            self._stop()
            return None
        return None if answer is None else answer.decode("utf-8")

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


def read_frame(stream: IO[bytes]) -> bytes | None:
    """One message of the extraction process; None stands for "nothing found".

    Raises:
        EOFError: the other side has ended.
    """
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    if length < 0:
        return None
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


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
