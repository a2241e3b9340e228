import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.extractors import KINDS, answer, extract

OPTIONS = {"max_bytes": 2**20, "max_expansion": 200, "reflow_pdf": True}


@pytest.mark.parametrize("kind", [*KINDS, "html_plain"])
@pytest.mark.parametrize("data", [b"", b"\0" * 500, b"PK\x03\x04" * 99, b"<" * 9000])
def test_whatever_the_bytes_there_is_an_answer(kind, data):
    found = answer(kind, data, OPTIONS)
    assert set(found) in ({"failed"}, {"text", "facts", "notes", "repaired"})


def test_a_failure_is_a_reason_in_one_line():
    reason = answer("pdf", b"%PDF-", OPTIONS)["failed"]
    assert reason == "damaged PDF"
    with pytest.raises(UnreadableError):
        extract("pdf", b"%PDF-", OPTIONS)
