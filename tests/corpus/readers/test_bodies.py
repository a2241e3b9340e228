import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.account import Account
from scratchlm.corpus.readers.bodies import body_text
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.html import MOST_PAGE_CHARS
from scratchlm.corpus.readers.workers import ExtractWorkers
from scratchlm.corpus.receipt import Receipt


@pytest.fixture(scope="module")
def workers():
    with ExtractWorkers(ReadConfig()) as workers:
        yield workers


@pytest.fixture
def account():
    return Account(Receipt(), "s")


def test_a_page_too_long_for_the_extractor_is_read_plainly_and_named(workers, account):
    page = b"<p>short</p><!--" + b"x" * MOST_PAGE_CHARS + b"-->"
    assert body_text("html", page, "a", workers, account).text == "short"
    (reason,) = account.repairs.dropped
    assert reason == "read by the plain parser: more than 20 million characters"


def test_a_server_is_believed_before_a_page_and_utf_8_before_both(workers, account):
    page = "<meta charset=koi8-r><p>größer als früher</p>"
    header = "text/html; charset=windows-1252"
    sent = page.encode("cp1252")
    found = body_text("html", sent, "a", workers, account, header)
    assert found.text == "größer als früher"
    found = body_text("html", page.encode(), "a", workers, account, header)
    assert found.text == "größer als früher"
    assert account.files.notes["encodings"] == {"cp1252": 1, "utf-8": 1}


def test_what_was_left_out_is_counted_and_what_was_repaired_is_named(workers, account):
    body_text("xml", b"<a>one<b>two", "broken", workers, account)
    mail = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n"
    mail += b"Content-Type: image/png\n\nx\n--b--\n"
    body_text("mail", mail, "m", workers, account)
    assert account.records.notes["extraction"] == {"attachments_left_out": 1}
    ((reason, drop),) = account.repairs.dropped.items()
    assert "damaged xml" in reason and drop.examples == ["broken"]


@pytest.mark.parametrize("kind", ["text", "html", "pdf", "mail"])
def test_nothing_is_empty(workers, account, kind):
    with pytest.raises(UnreadableError, match="empty"):
        body_text(kind, b" \n", "a", workers, account)
