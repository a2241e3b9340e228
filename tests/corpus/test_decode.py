import contextlib
import os
import tarfile
from pathlib import Path

import pytest

from scratchlm.corpus.decode import UnreadableError, decode

GREEK = "Ο ήλιος ανατέλλει πάνω από τη θάλασσα. Το νερό είναι ήσυχο.\n" * 8
ENGLISH = "The sun rises over the sea – “quietly”. The water is calm.\n" * 8
CHINESE = "太阳从海上升起。水面很平静。\n" * 12
SHARED = os.environ.get("SCRATCHLM_SHARED")


@pytest.mark.parametrize("text", [GREEK, ENGLISH, CHINESE])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_is_decoded_with_and_without_a_mark(text, encoding):
    assert decode(text.encode(encoding)).text == text


def test_legacy_encodings_are_guessed_or_taken_from_the_declaration():
    assert decode(GREEK.encode("iso8859_7")).text == GREEK
    western = "Die Straße führt über die Brücke nach Köln.\n"
    assert decode(western.encode("cp1252"), "Windows-1252").text == western
    assert decode(b"plain", "no-such-charset").text == "plain"


def test_what_the_bytes_say_counts_more_than_what_the_page_declares():
    assert decode(GREEK.encode(), "iso-8859-1").text == GREEK


@pytest.mark.parametrize("encoding", ["iso2022_jp", "iso2022_kr", "hz"])
def test_seven_bit_encodings_are_recognised(encoding):
    text = "한국어 시험" if encoding == "iso2022_kr" else "日本 北京"
    assert decode(f"{text}\n".encode(encoding)).text == f"{text}\n"


def test_a_few_broken_bytes_in_utf8_cost_those_characters_only():
    data = GREEK.encode()
    cut = data[: len(data) // 2] + b"\xff" + data[len(data) // 2 :][:-1]
    decoded = decode(cut)
    assert decoded.encoding == "utf-8"
    assert 1 <= decoded.text.count("\ufffd") <= 4


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 20,
        os.urandom(4096).replace(b"\0", b"\x01"),
        b"MZ\x90\0\x03\0\0\0" * 100,
        b"\x01\x02text\x03\x04" * 10,
    ],
    ids=["all-bytes", "noise", "zeros", "controls"],
)
def test_binary_data_is_refused(data):
    with pytest.raises(UnreadableError, match="binary"):
        decode(data)


def test_an_empty_file_is_an_empty_text():
    assert decode(b"").text == ""


@pytest.mark.skipif(not SHARED, reason="SCRATCHLM_SHARED is not set")
def test_nineteen_of_twenty_real_files_are_decoded_as_their_authors_wrote_them():
    archive = Path(SHARED or "", "data/messy/encodings/chardet-encodings.tar.xz")
    same = total = 0
    with tarfile.open(archive) as files:
        for member in files:
            folder = member.name.split("/")[0]
            stream = files.extractfile(member)
            try:
                data = stream.read() if stream else b""
                expected = data.decode(folder)
            except (LookupError, UnicodeDecodeError):
                continue
            total += 1
            with contextlib.suppress(UnreadableError):
                same += decode(data).text == expected.removeprefix("\ufeff")
    assert total > 100
    assert same >= 0.95 * total
