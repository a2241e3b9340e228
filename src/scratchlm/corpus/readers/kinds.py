"""What a file is: by its first bytes where those are certain, by its name, or by what
its text looks like.
"""

import re
from pathlib import PurePosixPath
from typing import Literal

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import SUFFIXES, is_compressed

_KINDS = {
    "html": "html htm xhtml",
    "xml": "xml rss atom",
    "json": "json",
    "jsonl": "jsonl ndjson jsonlines",
    "csv": "csv tsv",
    "parquet": "parquet pq",
    "zip": "zip",
    "tar": "tar tgz txz tbz2 tzst",
    "pdf": "pdf",
    "epub": "epub",
    "docx": "docx",
    "odt": "odt",
    "rtf": "rtf",
    "xlsx": "xlsx",
    "mail": "eml",
    "mbox": "mbox",
    "warc": "warc wet",
    "arc": "arc",
}
_BY_SUFFIX = {
    f".{suffix}": kind for kind, names in _KINDS.items() for suffix in names.split()
}
# Formats that hold text which this version does not take out, or none at all.
_OTHERS = """pptx mobi azw doc xls ppt ods odp ipynb jar whl apk png jpg jpeg gif webp
    svg ico mp3 mp4 wav ogg avi mov webm exe dll so o a pyc class wasm bin dat db
    sqlite pickle pkl npy npz pt safetensors gguf ttf otf woff woff2 7z rar"""
_NOT_READ = {f".{suffix}" for suffix in _OTHERS.split()}
_MARKS = (
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"\x7fELF", "ELF program"),
    (b"\xd0\xcf\x11\xe0", "Microsoft Office file"),
    (b"SQLite format 3", "SQLite database"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"Rar!", "RAR archive"),
)
# First bytes that no text of another kind begins with.
_CERTAIN = (
    (b"%PDF-", "pdf"),
    (b"{\\rtf", "rtf"),
    (b"WARC/0.", "warc"),
    (b"WARC/1.", "warc"),
    (b"filedesc://", "arc"),
)
_ZIPPED = frozenset(("zip", "epub", "docx", "odt", "xlsx"))
_CONTENT_TYPES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "text",
    "text/markdown": "text",
    "text/xml": "xml",
    "application/xml": "xml",
    "application/rss+xml": "xml",
    "application/atom+xml": "xml",
    "application/pdf": "pdf",
    "application/epub+zip": "epub",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "message/rfc822": "mail",
    "application/json": "json",
    "text/csv": "csv",
}
_HTML = re.compile(
    rb"(?:<\?xml[^>]*>)?\s*(?:<!--.{0,400}?-->\s*)?<(?:!doctype\s+)?html"
)
_ROW = re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\{")
_PART = re.compile(r"[@#]\d+$")


def kind_of(name: str, data: bytes) -> str:
    """One of text, html, xml, json, jsonl, csv, parquet, zip, tar, pdf, epub, docx,
    odt, rtf, xlsx, mail, mbox, warc, arc.

    Compression suffixes of `name` are looked through; `data` is the beginning of the
    content, decompressed.

    Raises:
        UnreadableError: a format that is not read.
    """
    suffix = _suffix(name)
    for mark, format_name in _MARKS:
        if data.startswith(mark):
            raise UnreadableError(f"{format_name}: not a format that is read")
    if suffix in _NOT_READ:
        raise UnreadableError(f"{suffix}: not a format that is read")
    certain = next((kind for mark, kind in _CERTAIN if data.startswith(mark)), None)
    kind = certain or _BY_SUFFIX.get(suffix) or sniffed_kind(data)
    if kind == "json" and _ROW.match(data):
        return "jsonl"  # many files of rows are called .json
    _check(kind, data)
    return kind


def kind_of_content(content_type: str | None, data: bytes) -> str | None:
    """The kind that a Content-Type header names; None where it names none that is
    read. Where there is no header, or it says nothing, the first bytes decide.
    """
    certain = next((kind for mark, kind in _CERTAIN if data.startswith(mark)), None)
    if certain:
        return certain
    name = (content_type or "").partition(";")[0].strip().lower()
    if name in ("", "application/octet-stream", "unk", "no-type", "text"):
        return sniffed_kind(data)
    if name == "text/plain" and _HTML.match(data[:2048].lstrip().lower()):
        return "html"
    return _CONTENT_TYPES.get(name)


def split_unit(name: str, head: bytes) -> Literal["lines", "text", "row_groups"] | None:
    """Where a large file may be cut into ranges: between the `lines` of jsonl, between
    those of plain `text`, between the `row_groups` of Parquet; None: nowhere.

    `head` are the first 64 kB of the file as stored.
    """
    if is_compressed(head) or b"\0" in head or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "row_groups" if head.startswith(b"PAR1") else None
    try:
        kind = kind_of(name, head)
    except UnreadableError:
        return None
    if kind == "parquet":
        return "row_groups"
    if b"\n" not in head and b"\r" in head:
        return None
    units: dict[str, Literal["lines", "text"]] = {"jsonl": "lines", "text": "text"}
    return units.get(kind)


def separator_of(name: str) -> str | None:
    """The column separator that a name promises: a tab for .tsv."""
    return "\t" if _suffix(name) == ".tsv" else None


def sniffed_kind(data: bytes) -> str:
    """What content without a name is, by its first bytes; "text" where they say
    nothing.
    """
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"PK\x03\x04"):
        return _sniff_zip(data)
    if data[257:262] == b"ustar":
        return "tar"
    if _HTML.match(data[:2048].lstrip().lower()):
        return "html"
    return "text"


def _sniff_zip(data: bytes) -> str:
    """Books and office files are zips; their first members say so."""
    if data.startswith(b"mimetype", 30):
        return "epub" if b"epub+zip" in data[30:100] else "odt"
    if b"[Content_Types].xml" in data[:4096]:
        return "xlsx" if b"xl/" in data[:4096] else "docx"
    return "zip"


def _check(kind: str, data: bytes) -> None:
    if kind == "parquet" and not data.startswith(b"PAR1"):
        raise UnreadableError("damaged parquet file")
    if kind in _ZIPPED and data and not data.startswith(b"PK"):
        raise UnreadableError(f"damaged {kind} file")


def _suffix(name: str) -> str:
    path = PurePosixPath(_PART.sub("", name.lower()))
    if path.suffix in SUFFIXES:
        path = path.with_suffix("")
    return path.suffix
