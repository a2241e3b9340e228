from html.parser import HTMLParser

import pytest

from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.report import write_corpus_report

VOID = {"meta", "br", "hr", "link", "img"}


class Balanced(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def build_receipt():
    receipt = Receipt()
    files = receipt.step("files", "files")
    files.drop({"id": "web/<b>.pdf"}, "encrypted", 900, source="web", failed=True)
    quality = receipt.step("gopher_quality")
    quality.keep(3000, 3, source="web")
    quality.drop({"id": "x", "excerpt": "<script>"}, "few words", 1000, source="web")
    near = receipt.step("near")
    near.keep(2500, 2, source="web", bytes_in=2500)
    near.drop({"id": "y", "of": "z", "value": 0.87}, "near-duplicate", 500)
    near.notes["values"] = {"near-duplicate": {"0.85": 1}}
    sides = {"n_documents": 2, "n_bytes": 2500}
    return {"steps": receipt.to_json(), "train": sides, "languages": {"en": 2}}


@pytest.fixture
def text(tmp_path):
    write_corpus_report(build_receipt(), tmp_path / "report.html")
    whole = (tmp_path / "report.html").read_text()
    assert "http://" not in whole.replace("http://www.w3.org", "")
    parser = Balanced()
    parser.feed(whole)
    assert parser.open == []
    return " ".join(parser.text)


def test_the_page_names_what_went_and_why(text):
    for words in ("web/<b>.pdf", "encrypted", "few words", "<script>", "value 0.87"):
        assert words in text


def test_the_page_holds_everything_of_the_receipt(text):
    assert "languages" in text
    assert "near duplicate" in text or "near-duplicate" in text


def test_an_empty_receipt_is_a_page_too(tmp_path):
    write_corpus_report({"steps": []}, tmp_path / "report.html")
    assert "Nothing was left out." in (tmp_path / "report.html").read_text()
