"""The process that extracts, one page, book or message after the other.

It is started by `workers` and ends when its input does, or when one page takes more
processor time than the limit: the kernel's own timer ends it, whatever lock a busy
extension holds. Where there is no such timer, a thread of the interpreter does it by
the clock.
"""

import faulthandler
import gc
import os
import signal
import sys
from pathlib import Path
from typing import IO

from scratchlm.corpus.readers.extractors import answer
from scratchlm.corpus.readers.frames import (
    pack_json,
    read_frame,
    unpack_json,
    write_frame,
)
from scratchlm.corpus.readers.html import forget_pages

PAGES_BETWEEN_COLLECTIONS = 200


def answer_requests(requests: IO[bytes], answers: IO[bytes], timeout_s: float) -> None:
    """Answer until the other side closes the pipe.

    A request is two frames: JSON with the `kind` and the options, then the data.
    """
    number = 0
    with Path(os.devnull).open("w") as nowhere:
        while True:
            try:
                options = unpack_json(read_frame(requests))
                data = read_frame(requests)
            except EOFError:
                return
            _set_alarm(timeout_s, nowhere)
            found = answer(options["kind"], data, options)
            _set_alarm(0, nowhere)
            write_frame(answers, pack_json(found))
            number += 1
            if number % PAGES_BETWEEN_COLLECTIONS == 0:
                forget_pages()
                gc.collect()


def _set_alarm(timeout_s: float, nowhere: IO[str]) -> None:
    """End this process after so many seconds; 0: do not."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, timeout_s)
    elif timeout_s:
        faulthandler.dump_traceback_later(timeout_s, exit=True, file=nowhere)
    else:
        faulthandler.cancel_dump_traceback_later()


def _limit_memory(n_bytes: int) -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit_memory(int(sys.argv[2]))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may write between the messages
    answer_requests(sys.stdin.buffer, answers, float(sys.argv[1]))
