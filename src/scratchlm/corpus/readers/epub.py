"""The text of an EPUB book: a zip whose OPF file lists the chapters in order."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from scratchlm.corpus.decode import UnreadableError, decode
from scratchlm.corpus.readers.expand import Limits
from scratchlm.corpus.readers.extracted import Extracted
from scratchlm.corpus.readers.html import declared_charset, plain_text

DAMAGED = "damaged epub file"
_CONTAINER = "META-INF/container.xml"
_CHAPTERS = ("application/xhtml+xml", "text/html", "text/xml")
_ENCRYPTION = "META-INF/encryption.xml"


def epub_text(data: bytes, limits: Limits) -> Extracted:
    """All chapters in the order of the spine, apart by a blank line.

    Raises:
        UnreadableError: damaged, encrypted, or larger than the limits allow.
    """
    try:
        book = zipfile.ZipFile(BytesIO(data))
        check_members(book, len(data), limits)
        package, folder = _package(book)
        chapters = list(_spine(package, folder))
        if not chapters:
            raise UnreadableError("EPUB without chapters")
        if set(chapters) & _encrypted(book):
            raise UnreadableError("encrypted EPUB")
        texts = [_chapter(book, name) for name in chapters]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        raise UnreadableError(DAMAGED) from None
    except RuntimeError:  # what zipfile says of a password
        raise UnreadableError("encrypted EPUB") from None
    missing = texts.count(None)
    text = "\n\n".join(text for text in texts if text)
    notes = {"epub_chapters_missing": missing} if missing else {}
    return Extracted(text, _facts(package), notes)


def check_members(book: zipfile.ZipFile, n_packed: int, limits: Limits) -> None:
    """Refuse a zip by what its members claim to unpack to, before any is unpacked.

    Raises:
        UnreadableError: more than the limits allow.
    """
    limits.check(sum(info.file_size for info in book.infolist()), n_packed)


def _package(book: zipfile.ZipFile) -> tuple[Any, str]:
    """The OPF file as a tree, and the folder that its names are relative to."""
    names = _named(_read_xml(book, _CONTAINER), "rootfile", "full-path")
    if not names:
        raise UnreadableError(DAMAGED)
    return _read_xml(book, names[0]), posixpath.dirname(names[0])


def _spine(package: Any, folder: str) -> Iterator[str]:
    """The members that hold the chapters."""
    files = {
        item.get("id"): item.get("href", "")
        for item in package.iter("{*}item")
        if item.get("media-type") in _CHAPTERS
        and "nav" not in item.get("properties", "").split()  # the table of contents
    }
    for reference in package.iter("{*}itemref"):
        href = files.get(reference.get("idref"))
        if href:
            yield posixpath.normpath(posixpath.join(folder, unquote(href)))


def _chapter(book: zipfile.ZipFile, name: str) -> str | None:
    try:
        data = book.read(name)
    except KeyError:
        return None
    return plain_text(decode(data, declared_charset(data)).text) if data else ""


def _encrypted(book: zipfile.ZipFile) -> set[str]:
    if _ENCRYPTION not in book.namelist():
        return set()
    return {
        unquote(uri)
        for uri in _named(_read_xml(book, _ENCRYPTION), "CipherReference", "URI")
    }


def _facts(package: Any) -> dict[str, str]:
    found = {}
    for name, element in (("title", "title"), ("language", "language")):
        text = next((e.text for e in package.iter(f"{{*}}{element}") if e.text), "")
        if text.strip():
            found[name] = " ".join(text.split())
    if "language" in found:
        found["language"] = found["language"].partition("-")[0].lower()
    return found


def _named(tree: Any, element: str, attribute: str) -> list[str]:
    values = (found.get(attribute) for found in tree.iter(f"{{*}}{element}"))
    return [value for value in values if value]


def _read_xml(book: zipfile.ZipFile, name: str) -> Any:
    from lxml import etree

    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        tree = etree.fromstring(book.read(name), parser)
    except (KeyError, etree.XMLSyntaxError):
        tree = None
    if tree is None:
        raise UnreadableError(DAMAGED)
    return tree
