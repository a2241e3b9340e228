"""What a file is: by its name, and by its first bytes where the name says nothing."""

from pathlib import PurePosixPath

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import SUFFIXES

_KINDS = {
    "html": "html htm xhtml",
    "json": "json",
    "jsonl": "jsonl ndjson jsonlines",
    "csv": "csv tsv",
    "parquet": "parquet pq",
    "zip": "zip",
    "tar": "tar tgz txz tbz2 tzst",
}
_BY_SUFFIX = {
    f".{suffix}": kind for kind, names in _KINDS.items() for suffix in names.split()
}
# Formats that hold text which this version does not take out, or none at all.
_OTHERS = """pdf docx xlsx pptx odt epub mobi rtf doc xls ppt eml mbox warc arc ipynb
    jar whl apk png jpg jpeg gif webp svg ico mp3 mp4 wav ogg avi mov webm exe dll so
    o a pyc class wasm bin dat db sqlite pickle pkl npy npz pt safetensors gguf ttf
    otf woff woff2 7z rar"""
_NOT_READ = {f".{suffix}" for suffix in _OTHERS.split()}
_MARKS = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"\x7fELF", "ELF program"),
    (b"{\\rtf", "RTF"),
    (b"WARC/", "WARC"),
    (b"\xd0\xcf\x11\xe0", "Microsoft Office file"),
    (b"SQLite format 3", "SQLite database"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"Rar!", "RAR archive"),
)


def kind_of(name: str, data: bytes) -> str:
    """One of text, html, json, jsonl, csv, parquet, zip, tar.

    Compression suffixes of `name` are looked through; `data` is decompressed.

    Raises:
        UnreadableError: a format that is not read.
    """
    suffix = _suffix(name)
    for mark, format_name in _MARKS:
        if data.startswith(mark):
            raise UnreadableError(f"{format_name}: not a format that is read")
    if suffix in _NOT_READ:
        raise UnreadableError(f"{suffix}: not a format that is read")
    kind = _BY_SUFFIX.get(suffix) or _sniff(data)
    if kind == "parquet" and not data.startswith(b"PAR1"):
        raise UnreadableError("damaged parquet file")
    return kind


def separator_of(name: str) -> str | None:
    """The column separator that a name promises: a tab for .tsv."""
    return "\t" if _suffix(name) == ".tsv" else None


def _suffix(name: str) -> str:
    path = PurePosixPath(name.lower())
    if path.suffix in SUFFIXES:
        path = path.with_suffix("")
    return path.suffix


def _sniff(data: bytes) -> str:
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"PK\x03\x04"):
        return "zip"
    if data[257:262] == b"ustar":
        return "tar"
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "html"
    return "text"
