"""The process in which pages, books, messages and PDFs are extracted.

Extractors are large libraries that meet the open web: some pages keep them busy for
hours, take all memory or end the process. So they run in one of their own. When it
ends, the page it had is counted, another is started, and the rest goes on.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.extracted import NO_MEMORY, Extracted
from scratchlm.corpus.readers.frames import (
    pack_json,
    read_frame,
    unpack_json,
    write_frame,
)

TOO_LONG = "takes too long to extract"
DIED = "ends the extractor"
STARTED_S = 60.0
CLOCK_FACTOR = 10  # a page may wait for a processor this many times its own time


class ExtractWorkers:
    """Extracts in another process; a context manager, because it owns one.

    It is started when it is first needed. `n_started` counts the processes.
    """

    def __init__(self, config: ReadConfig) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self.n_started = 0
        self._n_answers = 0
        self._hung = False

    def __enter__(self) -> "ExtractWorkers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def extract(self, kind: str, data: bytes) -> Extracted:
        """The text of one page (UTF-8), book, message or file.

        Raises:
            UnreadableError: without text, damaged, encrypted; or it took too long,
                too much memory, or the process with it.
        """
        answer = self._ask(kind, data)
        if answer.get("failed") in (DIED, NO_MEMORY) and self._n_answers > 1:
            self.close()  # the pages before may have left it little
            answer = self._ask(kind, data)
        if "failed" in answer:
            raise UnreadableError(answer["failed"])
        return Extracted(
            answer["text"], answer["facts"], answer["notes"], answer["repaired"]
        )

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, kind: str, data: bytes) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        self._n_answers += 1
        # Against what hangs without using the processor.
        longest = self._config.extract_timeout_s * CLOCK_FACTOR + STARTED_S
        watchdog = threading.Timer(longest, self._stop_hung, [process])
        watchdog.daemon = True
        watchdog.start()
        try:
            write_frame(process.stdin, pack_json(self._request(kind)))
            write_frame(process.stdin, data)
            return unpack_json(read_frame(process.stdout))
        except (OSError, EOFError):  # it has ended, by its own clock or for memory
            return {"failed": self._epitaph(process)}
        except BaseException:  # an interrupted answer is no answer to the next page
            self.close()
            raise
        finally:
            watchdog.cancel()

    def _request(self, kind: str) -> Mapping[str, Any]:
        return {
            "kind": kind,
            "max_bytes": self._config.max_record_bytes,
            "max_expansion": self._config.max_expansion,
            "reflow_pdf": self._config.reflow_pdf,
        }

    def _epitaph(self, process: subprocess.Popen[bytes]) -> str:
        """Why it has ended."""
        process.kill()
        code, hung = process.wait(), self._hung
        self.close()
        if hung or sys.platform == "win32" or -code == signal.SIGPROF:
            return TOO_LONG
        return DIED

    def _stop_hung(self, process: subprocess.Popen[bytes]) -> None:
        self._hung = True
        process.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "scratchlm.corpus.readers.extract_worker"]
        limits = (self._config.extract_timeout_s, self._config.extract_memory_bytes)
        self._process = subprocess.Popen(
            [*command, *map(str, limits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                "PYTHONHASHSEED": "0",
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
        self.n_started += 1
        self._n_answers, self._hung = 0, False
        return self._process
