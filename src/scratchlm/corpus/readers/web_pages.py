"""Documents of web archives: which records hold a page, and what its body is."""

import io
from collections.abc import Iterator

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.account import Account
from scratchlm.corpus.readers.bodies import body_text
from scratchlm.corpus.readers.extractors import KINDS
from scratchlm.corpus.readers.kinds import kind_of_content
from scratchlm.corpus.readers.lines import TOO_LONG
from scratchlm.corpus.readers.row_texts import Text
from scratchlm.corpus.readers.web_archive import (
    DAMAGED,
    Record,
    arc_records,
    http_response,
    warc_records,
)
from scratchlm.corpus.readers.workers import ExtractWorkers

_PAGES = ("response", "resource", "conversion")
_OTHERS = ("request", "warcinfo", "metadata", "revisit", "continuation")
_TYPES = ("application", "audio", "font", "image", "multipart", "text", "video")
_NO_PAGES = ("dns:", "metadata:", "urn:", "filedesc:", "whois:")


def web_page_texts(
    kind: str,
    stream: io.BufferedReader,
    name: str,
    most_bytes: int,
    workers: ExtractWorkers,
    account: Account,
) -> Iterator[Text]:
    """The texts of the pages in a file of kind "warc" (also WET) or "arc".

    The row is the number of the record in the file. Records that are no pages, and
    bytes that are no records, are counted.
    """
    records = warc_records if kind == "warc" else arc_records
    last = 0
    for record in records(stream, most_bytes):
        if isinstance(record, int):
            account.fail_record(f"{name}:after {last}", DAMAGED, record)
            continue
        last = record.number
        place = f"{name}:{record.number}"
        try:
            text = _record_text(record, place, most_bytes, workers, account)
        except UnreadableError as error:
            account.fail_record(place, str(error), record.n_bytes)
            continue
        if text is not None:
            if record.trouble:
                account.repair(place, record.trouble)
            yield text


def _record_text(
    record: Record,
    place: str,
    most_bytes: int,
    workers: ExtractWorkers,
    account: Account,
) -> Text | None:
    reason = _no_page(record)
    if reason:
        account.drop_record(place, reason, record.n_bytes)
        return None
    if record.block is None:
        raise UnreadableError(TOO_LONG)
    response = http_response(record.block, most_bytes)
    if response.status not in (None, 200, 203, 206):
        account.drop_record(place, f"HTTP status {response.status}", record.n_bytes)
        return None
    content_type = _content_type(record, response.headers.get("content-type"))
    kind = kind_of_content(content_type, response.content)
    if record.kind == "conversion":
        kind = "text"
    if kind != "text" and kind not in KINDS:
        account.drop_record(place, _not_read(content_type), record.n_bytes)
        return None
    assert kind is not None
    if not response.content.strip():
        account.drop_record(place, "an empty page", record.n_bytes)
        return None
    body = body_text(kind, response.content, place, workers, account, content_type)
    facts = {"url": record.url, "warc_date": record.date, "kind": kind}
    return Text(body.text, record.number, {**body.facts, **facts})


def _content_type(record: Record, of_http: str | None) -> str:
    """What the server said, else what the archive says of a bare resource."""
    if of_http is None and not record.content_type.startswith("application/http"):
        return record.content_type
    return of_http or ""


def _no_page(record: Record) -> str:
    """Why a record can hold no page; "" if it can."""
    if record.kind not in _PAGES:
        return f"WARC {record.kind if record.kind in _OTHERS else 'unknown'} record"
    if record.url.startswith(_NO_PAGES):
        return "WARC record of no page"
    return ""


def _not_read(content_type: str) -> str:
    """One of few phrases, for counting."""
    kind = content_type.partition("/")[0].strip().lower()
    return f"content that is not read: {kind if kind in _TYPES else 'other'}"
