"""The text of an e-mail message, and the messages of a mailbox.

Of alternatives the plain one is read, else the page; messages within messages are
read; attachments are counted, not read. What was said before stays quoted.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from datetime import UTC
from email.message import EmailMessage, MIMEPart
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

from scratchlm.corpus.decode import UnreadableError, decode
from scratchlm.corpus.readers.extracted import Extracted
from scratchlm.corpus.readers.html import declared_charset, plain_text
from scratchlm.corpus.readers.lines import Line

MOST_DEPTH = 20
NO_TEXT = "message without text"
_Part: TypeAlias = "MIMEPart[Any, Any]"
_FROM = re.compile(rb"From \S+.*\d\d:\d\d.*\d{4}")
_ENCRYPTED = (
    "multipart/encrypted",
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
)


def mail_text(data: bytes) -> Extracted:
    """The text of a message; subject and date (ISO) in the facts.

    Raises:
        UnreadableError: encrypted, or without any text.
    """
    policy = email.policy.default.clone(raise_on_defect=False)
    message = email.message_from_bytes(data, policy=policy)
    left_out: list[str] = []
    text = "\n\n".join(filter(None, _texts(message, left_out, 0)))
    notes = {"attachments_left_out": len(left_out)} if left_out else {}
    if not text.strip():
        if message.get_content_type() in _ENCRYPTED:
            raise UnreadableError("encrypted message")
        raise UnreadableError(NO_TEXT)
    return Extracted(text, _facts(message), notes)


def mbox_messages(lines: Iterator[Line], most_bytes: int) -> Iterator[Line]:
    """The messages of a mailbox; `number` counts them, `data` None is too long."""
    number, n_bytes = 0, 0
    parts: list[bytes] | None = None
    blank = True
    for line in lines:
        starts = blank and line.data is not None and _FROM.match(line.data)
        if starts:
            if parts is not None or n_bytes:
                yield _message(number, parts, n_bytes)
            number, n_bytes, parts = number + 1, 0, []
            continue
        blank = line.data in (b"\n", b"\r\n")
        n_bytes += line.n_bytes
        if line.data is None or n_bytes > most_bytes:
            parts = None
        if parts is not None and line.data is not None:
            parts.append(re.sub(rb"^>(>*From )", rb"\1", line.data))
    if n_bytes:
        yield _message(max(number, 1), parts, n_bytes)


def _message(number: int, parts: list[bytes] | None, n_bytes: int) -> Line:
    return Line(number, None if parts is None else b"".join(parts), n_bytes)


def _texts(part: _Part, left_out: list[str], depth: int) -> Iterator[str]:
    """The texts of a message's parts, in order."""
    kind = part.get_content_type()
    if depth > MOST_DEPTH:
        left_out.append(kind)
    elif kind == "multipart/alternative":
        yield from _alternative(part, left_out, depth)
    elif part.is_multipart():
        for inner in part.iter_parts() if kind[:9] == "multipart" else _inner(part):
            yield from _texts(inner, left_out, depth + 1)
    elif part.get_content_disposition() == "attachment" or kind[:5] != "text/":
        left_out.append(kind)
    else:
        yield _body(part, kind)


def _inner(part: _Part) -> list[_Part]:
    payload = part.get_payload()
    return [p for p in payload if isinstance(p, MIMEPart)]


def _alternative(part: _Part, left_out: list[str], depth: int) -> Iterator[str]:
    """The plain one if it says anything, else the richest."""
    choices = [
        p for p in part.iter_parts() if not p.is_multipart() or depth < MOST_DEPTH
    ]
    choices.sort(key=lambda choice: choice.get_content_type() != "text/plain")
    for choice in choices:
        texts = [text for text in _texts(choice, left_out, depth + 1) if text.strip()]
        if texts:
            yield from texts
            return


def _body(part: _Part, kind: str) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data.strip():
        return ""
    charset = part.get_content_charset() or declared_charset(data)
    text = decode(data, charset).text.replace("\r\n", "\n")
    return plain_text(text) if kind == "text/html" else text.strip("\n")


def _facts(message: EmailMessage) -> dict[str, str]:
    found = {}
    try:
        subject = " ".join(str(message.get("subject", "")).split())
    except (AttributeError, IndexError, TypeError, ValueError):
        subject = ""  # headers can be damaged beyond what the library foresees
    if subject:
        found["title"] = subject
    try:
        date = parsedate_to_datetime(str(message.get("date", "")))
        if date.tzinfo is not None:
            date = date.astimezone(UTC)
        found["date"] = date.isoformat()
    except (AttributeError, IndexError, TypeError, ValueError, OverflowError):
        pass  # no date, or one that is none
    return found
