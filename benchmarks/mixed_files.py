"""A folder as people have them: usable files among what cannot be read.

`write_mixed_files` returns what the receipt has to name, each with a word of why.
"""

from __future__ import annotations

import gzip
import io
import os
import socket
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ZEROS = bytes(80 * 2**20)


def write_mixed_files(folder: Path, texts: Sequence[str]) -> dict[str, str]:
    """Write the folder.

    Args:
        folder: an empty folder.
        texts: at least sixteen different texts of some thousand characters each.

    Returns:
        file name → a word that its reason in the receipt must hold.
    """
    source = iter(texts)
    _write_usable(folder, source)
    return {
        **_write_binaries(folder),
        **_write_bombs(folder),
        **_write_damaged(folder, next(source)),
        **_write_links(folder),
    }


def usable_names() -> tuple[str, ...]:
    """The files of which the text must be used."""
    return ("utf8.txt", "utf16.txt", "latin1.txt", "notes.md", "page.html", "rows.csv")


def _write_usable(folder: Path, source: Iterator[str]) -> None:
    (folder / "utf8.txt").write_text(next(source), "utf-8")
    (folder / "utf16.txt").write_text(next(source), "utf-16")
    latin = "Übergänge über große Flüsse, Straßen und Täler.\n" * 40 + next(source)
    (folder / "latin1.txt").write_text(latin, "latin-1", errors="replace")
    (folder / "notes.md").write_text("# Notes\n\n" + next(source), "utf-8")
    page = f"<html><body><article><p>{next(source)}</p></article></body></html>"
    (folder / "page.html").write_text(page, "utf-8")
    row = next(source).replace('"', "'")
    (folder / "rows.csv").write_text(f'id,text\n1,"{row}"\n', "utf-8")
    below = folder / "a folder" / "ünder"
    below.mkdir(parents=True)
    (below / "deep.txt").write_text(next(source), "utf-8")
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("inside.txt", next(source))
    table = pa.table({"text": [next(source), next(source)]})
    pq.write_table(table, folder / "rows.parquet")


def _write_binaries(folder: Path) -> dict[str, str]:
    (folder / "noise").write_bytes(os.urandom(50_000))
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(5_000))
    (folder / "empty.txt").write_bytes(b"")
    return {"noise": "", "picture.png": "PNG", "empty.txt": ""}


def _write_bombs(folder: Path) -> dict[str, str]:
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", ZEROS)
    (folder / "bomb.txt.gz").write_bytes(gzip.compress(ZEROS))
    return {"bomb.zip": "", "bomb.txt.gz": ""}


def _write_damaged(folder: Path, text: str) -> dict[str, str]:
    packed = gzip.compress(text.encode())
    (folder / "cut.txt.gz").write_bytes(packed[: len(packed) // 2])
    whole = io.BytesIO()
    pq.write_table(pa.table({"text": [text]}), whole)
    (folder / "cut.parquet").write_bytes(whole.getvalue()[:-20])
    (folder / "broken.jsonl").write_text('{"text": "a row"}\n{"text": \n')
    return {"cut.txt.gz": "", "cut.parquet": "", "broken.jsonl": ""}


def _write_links(folder: Path) -> dict[str, str]:
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "chicken").symlink_to(folder / "egg")
    (folder / "egg").symlink_to(folder / "chicken")
    (folder / "gone.txt").symlink_to(folder / "nothing")
    # one's own memory: a regular file whose reading fails, even for root
    (folder / "unreadable.txt").symlink_to("/proc/self/mem")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(folder / "plug"))
    return {
        "loop": "circle",
        "chicken": "circle",
        "egg": "circle",
        "gone.txt": "broken link",
        "unreadable.txt": "unreadable",
        "plug": "neither",
    }
