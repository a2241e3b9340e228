"""The process that runs trafilatura on one page after the other.

Messages on both pipes: eight bytes of length, little-endian, then UTF-8. A page that
takes longer than the limit ends the process: the watchdog is a thread of the
interpreter's own that needs no lock which a busy extension holds.
"""

import faulthandler
import os
import sys
from pathlib import Path
from typing import IO

from scratchlm.corpus.readers.html import LENGTH, read_frame

MEMORY_BYTES = 4 * 2**30


def extract_main_text(page: str) -> str | None:
    """The main text, without comments; None if trafilatura finds none."""
    import trafilatura

    text: str | None = trafilatura.extract(page, fast=True, include_comments=False)
    return text


def answer_pages(requests: IO[bytes], answers: IO[bytes], timeout_s: float) -> None:
    """Answer until the other side closes the pipe."""
    with Path(os.devnull).open("w") as nowhere:
        while True:
            try:
                page = read_frame(requests) or b""
            except EOFError:
                return
            faulthandler.dump_traceback_later(timeout_s, exit=True, file=nowhere)
            text = extract_main_text(page.decode("utf-8"))
            faulthandler.cancel_dump_traceback_later()
            data = text.encode("utf-8", "replace") if text else b""
            answers.write(LENGTH.pack(len(data) if text else -1) + data)
            answers.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    _limit_memory()
    import trafilatura  # noqa: F401  (its second of import is not a page's time)

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may write between the messages
    answer_pages(sys.stdin.buffer, answers, float(sys.argv[1]))
