"""Laws of the report: its figures are true, and every token that it names is."""

import ast
import json

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer
from scratchlm.tokenizer.report import build_report

SOURCES = {"en": ["the words of the text"] * 4, "zh": ["中文没有空格的文字" * 5] * 3}


@pytest.fixture(scope="module")
def report(tokenizer):
    return build_report(tokenizer, SOURCES, name="mine")


def test_each_source_has_its_row_and_all_together_one(report, tokenizer):
    rows = {row["source"]: row for row in report.data["sources"]}
    assert list(rows) == ["en", "zh", "all"]
    text = SOURCES["zh"][0]
    expected = len(text.encode()) / len(tokenizer.encode(text))
    assert rows["zh"]["bytes_per_token"]["value"] == pytest.approx(expected, abs=1e-6)
    assert rows["all"]["n_documents"] == 7


def test_fertility_is_tokens_per_word(report, tokenizer):
    [row] = [row for row in report.data["sources"] if row["source"] == "en"]
    n_tokens = len(tokenizer.encode(SOURCES["en"][0]))
    assert row["tokens_per_word"] == pytest.approx(n_tokens / 5)


def test_used_and_unused_tokens_are_all_that_text_can_have(report, tokenizer):
    held = report.data["vocabulary"]
    emitted = {
        i for texts in SOURCES.values() for t in texts for i in tokenizer.encode(t)
    }
    unused = {one["id"] for one in held["unused"]}
    assert held["n_used"] == len(emitted)
    assert unused.isdisjoint(emitted)
    assert len(unused | emitted) == report.data["tokenizer"]["n_text_tokens"]
    assert unused.isdisjoint(tokenizer.special_tokens.values())


def test_tokens_are_named_so_that_they_can_be_read_back(report, tokenizer):
    held = report.data["vocabulary"]
    for one in (*held["longest"], *held["top"], *held["not_utf8"]):
        value = ast.literal_eval(one["token"])
        token = value.encode() if isinstance(value, str) else value
        assert token == tokenizer.token_bytes(one["id"])
        assert len(token) == one["n_bytes"]
    assert all(one["token"].startswith("b") for one in held["not_utf8"])
    assert held["longest"][0]["n_bytes"] == tokenizer.byte_lengths.max()
    counts = [one["count"] for one in held["top"]]
    assert counts == sorted(counts, reverse=True)


def test_against_another_each_source_has_a_ratio_with_its_interval(tokenizer):
    found = build_report(tokenizer, SOURCES, Tokenizer.own(), "mine", "bytes")
    for row in found.data["sources"]:
        own, other = row["bytes_per_token"]["value"], row["against"]["value"]
        assert other == 1.0
        assert row["ratio"]["value"] == pytest.approx(own / other, rel=1e-5)
        assert row["ratio"]["low"] <= row["ratio"]["value"] <= row["ratio"]["high"]
    assert "Bytes per token, mine and bytes" in found.as_text()


def test_a_tokenizer_with_tokens_out_of_reach_says_so():
    merges = [(98, 99), (97, 98), (257, 99)]  # bc, ab, abc
    found = build_report(Tokenizer.own(merges), {"x": ["abcab"]})
    [lost] = found.data["vocabulary"]["unreachable"]
    assert (lost["token"], lost["reason"]) == ("'abc'", "taken")
    assert "1 tokens can occur in no text" in " ".join(found.as_text().split())


def test_a_report_has_the_same_bytes_each_time_and_is_json(tokenizer):
    first, second = (
        build_report(tokenizer, SOURCES, Tokenizer.own()) for _ in range(2)
    )
    assert json.dumps(first.data) == json.dumps(second.data)
    assert first.as_html() == second.as_html()


@pytest.mark.parametrize("sources", [{}, {"empty": ["", ""]}])
def test_without_text_there_is_one_clear_line(tokenizer, sources):
    with pytest.raises(UserError, match="no text to measure on"):
        build_report(tokenizer, sources)
