import io

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.lines import read_lines
from scratchlm.corpus.readers.mail import mail_text, mbox_messages

ALTERNATIVE = """Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Date: Fri, 21 Nov 2025 10:00:00 +0100
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/html; charset=utf-8

<p>rich</p>
--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

plain =E4
--a--
--m
Content-Type: message/rfc822

Subject: inner

inside
--m
Content-Type: image/png
Content-Disposition: attachment

xxxx
--m--
"""


def test_the_plain_alternative_and_messages_within_are_read_attachments_counted():
    found = mail_text(ALTERNATIVE.encode())
    assert found.text == "plain ä\n\ninside"
    assert found.facts == {"title": "Grüße", "date": "2025-11-21T09:00:00+00:00"}
    assert found.notes == {"attachments_left_out": 1}


def test_a_message_that_is_only_a_page_is_read_as_one():
    data = b"Content-Type: text/html\n\n<p>Hello <b>you</b></p><p>Bye</p>"
    assert mail_text(data).text == "Hello you\nBye"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Subject: nothing\n\n", "without text"),
        (b"Content-Type: application/pkcs7-mime\n\nMIIB", "encrypted"),
        (
            b"Content-Type: multipart/encrypted; boundary=b\n\n--b\n"
            b"Content-Type: application/octet-stream\n\nxx\n--b--",
            "encrypted",
        ),
    ],
    ids=["empty", "smime", "pgp"],
)
def test_a_message_without_text_says_why(data, reason):
    with pytest.raises(UnreadableError, match=reason):
        mail_text(data)


def test_damaged_headers_do_not_cost_the_text():
    data = b"Subject: =?utf-8?b?x?= \xff\xfe\nDate: no day\nContent-Type: text/plain; "
    data += b"charset=klingon\n\nstill here"
    assert mail_text(data).text == "still here"


def test_parts_in_parts_without_end_are_left_out_not_followed():
    data = b"Content-Type: message/rfc822\n\n" * 300 + b"Subject: x\n\ndeep"
    with pytest.raises(UnreadableError, match="without text"):
        mail_text(data)


def messages(data: bytes, most: int = 1000) -> list:
    stream = io.BufferedReader(io.BytesIO(data))
    return [(m.number, m.data) for m in mbox_messages(read_lines(stream, most), most)]


def test_a_mailbox_is_cut_at_its_from_lines_and_only_there():
    start = b"From a@b Fri Nov 21 10:00:00 2025\n"
    data = (
        start + b"A: 1\n\none\nFrom here on\n>From there\n\n" + start + b"B: 2\n\ntwo\n"
    )
    first, second = messages(data)
    assert first == (1, b"A: 1\n\none\nFrom here on\nFrom there\n\n")
    assert second == (2, b"B: 2\n\ntwo\n")


def test_a_message_longer_than_may_be_is_passed_over_and_the_next_is_read():
    start = b"From a@b Fri Nov 21 10:00:00 2025\n"
    data = (
        start + b"A: 1\n\n" + b"x" * 900 + b"\n" + b"y" * 900 + b"\n\n" + start + b"B"
    )
    assert messages(data) == [(1, None), (2, b"B")]
