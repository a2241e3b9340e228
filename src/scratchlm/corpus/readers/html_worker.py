"""The process that reads web pages, one after the other.

Messages on both pipes: eight bytes of length, little-endian, then UTF-8. A page that
takes longer than the limit ends the process: the watchdog is a thread of the
interpreter's own that needs no lock which a busy extension holds.
"""

import faulthandler
import os
import sys
from pathlib import Path
from typing import IO

from scratchlm.corpus.readers.html import MAIN, plain_text, read_frame, write_frame

MEMORY_BYTES = 4 * 2**30


def extract_main_text(page: str) -> str:
    """The main text, without comments; "" if trafilatura finds none."""
    import trafilatura

    return trafilatura.extract(page, fast=True, include_comments=False) or ""


def answer_pages(requests: IO[bytes], answers: IO[bytes], timeout_s: float) -> None:
    """Answer until the other side closes the pipe."""
    with Path(os.devnull).open("w") as nowhere:
        while True:
            try:
                request = read_frame(requests)
            except EOFError:
                return
            faulthandler.dump_traceback_later(timeout_s, exit=True, file=nowhere)
            parse = extract_main_text if request[0] == MAIN else plain_text
            text = parse(request[1:])
            faulthandler.cancel_dump_traceback_later()
            write_frame(answers, text)


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
