import io
import zipfile

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.epub import epub_text
from scratchlm.corpus.readers.expand import Limits

LIMITS = Limits(2**24, 200)
CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="in/book.opf"/></rootfiles></container>"""
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf"
xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>A
 book</dc:title><dc:language>en-US</dc:language></metadata><manifest>
<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="b" href="text/b%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>
<item id="x" href="gone.xhtml" media-type="application/xhtml+xml"/>
<item id="i" href="i.png" media-type="image/png"/></manifest>
<spine><itemref idref="n"/><itemref idref="b"/><itemref idref="a"/><itemref idref="x"/>
<itemref idref="i"/></spine></package>"""
FILES = {
    "META-INF/container.xml": CONTAINER,
    "in/book.opf": PACKAGE,
    "in/nav.xhtml": "<p>Contents</p>",
    "in/text/b b.xhtml": "<html><head><title>t</title></head><p>First</p></html>",
    "in/a.xhtml": "<html><p>Second &amp; last</p></html>",
}


def make(files: dict) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in files.items():
            book.writestr(name, data)
    return buffer.getvalue()


def test_chapters_come_in_the_order_of_the_spine_and_missing_ones_are_counted():
    found = epub_text(make(FILES), LIMITS)
    assert found.text == "First\n\nSecond & last"
    assert dict(found.facts) == {"title": "A book", "language": "en"}
    assert dict(found.notes) == {"epub_chapters_missing": 1}


def test_a_book_whose_chapters_are_encrypted_says_so_and_one_whose_fonts_are_does_not():
    for href, encrypted in (("in/a.xhtml", True), ("in/font.otf", False)):
        reference = f'<CipherReference xmlns="x" URI="{href}"/>'
        book = make({**FILES, "META-INF/encryption.xml": f"<e>{reference}</e>"})
        if encrypted:
            with pytest.raises(UnreadableError, match="encrypted"):
                epub_text(book, LIMITS)
        else:
            assert epub_text(book, LIMITS).text.startswith("First")


@pytest.mark.parametrize(
    "data",
    [make(FILES)[:200], make({}), make({"META-INF/container.xml": "<x/>"}), b"PK"],
    ids=["cut", "empty", "without-package", "no-zip"],
)
def test_a_damaged_book_says_so(data):
    with pytest.raises(UnreadableError, match="damaged epub"):
        epub_text(data, LIMITS)


def test_a_book_that_is_a_bomb_is_not_opened():
    bomb = make({**FILES, "in/a.xhtml": "<p>" + " " * 2**25})
    with pytest.raises(UnreadableError, match="unpacks to more"):
        epub_text(bomb, LIMITS)
