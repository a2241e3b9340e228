"""The receipt's two steps of reading, and how a file's readers write in them.

`files`: each file and archive member is kept or left out with a reason. `records`:
each document, and each row, page or message that gave none. What was repaired is
kept; it is named under `repairs` with what was done.
"""

import codecs
from collections.abc import Mapping

from scratchlm.corpus.receipt import Drop, Receipt

NAMED_FILES = 1000
_NO_FAILURE = (
    "that is read",
    "empty",
    "binary",
    "(max_depth)",
    "images only, or empty)",
)
FILES, RECORDS, REPAIRS = "files", "records", "repairs"


class Account:
    """What one source's files gave, written to a receipt.

    `n_records` counts what came of the files so far, good or bad.
    """

    def __init__(self, receipt: Receipt, source: str) -> None:
        self.source = source
        self.n_records = 0
        self.files = receipt.step(FILES, "files", NAMED_FILES)
        self.records = receipt.step(RECORDS, "records")
        self.repairs = receipt.step(REPAIRS, "repairs")

    def keep_file(self, n_bytes: int, is_first: bool = True) -> None:
        """A file was read, or a part of one: the first counts as the file."""
        self.files.keep(n_bytes, int(is_first), source=self.source)

    def drop_file(self, name: str, reason: str, n_bytes: int = 0) -> None:
        """A file gave nothing: it holds no text that is read, or it is damaged."""
        failed = not reason.endswith(_NO_FAILURE)
        self.files.drop(name, reason, n_bytes, source=self.source, failed=failed)

    def keep_record(self, n_bytes: int) -> None:
        """A document was made."""
        self.n_records += 1
        self.records.keep(n_bytes, source=self.source)

    def drop_record(self, name: str, reason: str, n_bytes: int = 0) -> None:
        """A record is of a kind that is not read."""
        self.n_records += 1
        self.records.drop(name, reason, n_bytes, source=self.source)

    def fail_record(self, name: str, reason: str, n_bytes: int = 0) -> None:
        """A record is damaged, or could not be read."""
        self.n_records += 1
        self.records.drop(name, reason, n_bytes, source=self.source, failed=True)

    def repair(self, name: str, what: str) -> None:
        """A record was kept after it was repaired; `what` was done."""
        self.repairs.keep(0, source=self.source, changed=1)
        drop = self.repairs.dropped.setdefault(what, Drop())
        drop.count += 1
        drop.add_example(name, self.repairs.named)

    def note(self, name: str, counts: Mapping[str, int]) -> None:
        """Add to a mapping of counts among the notes of the step of records."""
        noted = self.records.notes.setdefault(name, {})
        for key, count in counts.items():
            noted[key] = noted.get(key, 0) + count

    def note_encoding(self, encoding: str) -> None:
        """A text was in this encoding, whatever alias it went by."""
        name = codecs.lookup(encoding).name
        noted = self.files.notes.setdefault("encodings", {})
        noted[name] = noted.get(name, 0) + 1
