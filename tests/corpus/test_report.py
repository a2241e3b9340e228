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
    for number in range(2):
        quality.drop({"id": f"z{number}"}, "too long", 10, source="web")
    receipt.step("secrets").keep(3000, 3, source="web")
    near = receipt.step("near_duplicates")
    near.keep(2500, 2, source="web", bytes_in=2500)
    dropped = {"id": "y", "of": "z", "value": 0.87}
    near.drop(dropped, "near-duplicate", 500, source="web")
    near.notes["values"] = {"near-duplicate": {"0.85": 1}}
    line = receipt.step("line")
    line.keep(2400, 2, source="web", bytes_in=2500, changed=1)
    cut = {"id": "q", "of": "r", "excerpt": "the cut line"}
    line.notes["cuts"] = {"a line": {"0": cut}}
    line.notes["decisions"] = {"a line": 1}
    sides = {"n_documents": 2, "n_bytes": 2400}
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
    assert "1 document: near-duplicate, true Jaccard similarity from 0.85 up" in text


def test_the_page_begins_with_what_became_of_the_text(text):
    assert "A corpus: 2.40 kB of 4.02 kB of text" in text
    story = "1 file became 2 documents (2.40 kB) to learn from."
    lead = "59.7% of the text came through; “gopher quality” took most, 1.02 kB"
    first_step = text.rindex("Step by step")
    assert text.index(story) < text.index(lead) < first_step


def test_steps_that_took_nothing_are_named_once_and_not_drawn(tmp_path):
    write_corpus_report(build_receipt(), tmp_path / "report.html")
    whole = (tmp_path / "report.html").read_text()
    drawing = whole[whole.index("<svg") : whole.index("</svg>")]
    assert "gopher quality" in drawing and "secrets" not in drawing
    assert "No text went at: secrets." in whole


def test_the_most_frequent_reason_comes_first_and_one_is_not_many(text):
    assert text.index("too long: 2 documents") < text.index("few words: 1 document,")


def test_what_was_cut_is_shown_with_what_it_repeats(text):
    assert "a line: 1 cut" in text and "of r" in text and "the cut line" in text


def test_a_single_source_is_not_told_twice(text):
    assert "Source by source" not in text


def test_sources_stand_beside_each_other(tmp_path):
    receipt = Receipt()
    step = receipt.step("clean")
    step.keep(10, 1, source="one")
    step.drop({"id": "x"}, "short", 30, source="two")
    write_corpus_report({"steps": receipt.to_json()}, tmp_path / "report.html")
    whole = (tmp_path / "report.html").read_text()
    assert "Source by source" in whole and "100.00%" in whole


def test_an_empty_receipt_is_a_page_too(tmp_path):
    write_corpus_report({"steps": []}, tmp_path / "report.html")
    assert "Nothing was left out." in (tmp_path / "report.html").read_text()
