"""Laws of comparison: against the first, on the same documents."""

import json

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer
from scratchlm.tokenizer.compare import compare_tokenizers

TEXTS = [f"the words of text {number} and no other" for number in range(12)]


@pytest.fixture(scope="module")
def sheet(tokenizer):
    both = {"mine": tokenizer, "bytes": Tokenizer.own()}
    return compare_tokenizers(both, {"en": TEXTS, "numbers": ["12 34", "56"]})


def test_the_ratio_is_that_of_bytes_per_token(sheet):
    for rows in sheet.data["sources"].values():
        first, second = rows
        ratio = second["bytes_per_token"]["value"] / first["bytes_per_token"]["value"]
        assert first["ratio"] is None
        assert second["ratio"]["value"] == pytest.approx(ratio, rel=1e-5)


def test_the_interval_is_paired_and_so_narrower_than_both_together(sheet):
    """What makes a document hard for both does not widen the ratio."""
    mine, plain = sheet.data["sources"]["all"]
    lowest = plain["bytes_per_token"]["low"] / mine["bytes_per_token"]["high"]
    highest = plain["bytes_per_token"]["high"] / mine["bytes_per_token"]["low"]
    assert lowest - 1e-5 <= plain["ratio"]["low"] < plain["ratio"]["high"]
    assert plain["ratio"]["high"] <= highest + 1e-5


def test_speeds_stand_apart_from_what_repeats(tokenizer, sheet):
    again = compare_tokenizers(
        {"mine": tokenizer, "bytes": Tokenizer.own()},
        {"en": TEXTS, "numbers": ["12 34", "56"]},
    )
    assert json.dumps(again.data["sources"]) == json.dumps(sheet.data["sources"])
    assert all(speed > 0 for speed in sheet.data["speed_mb_s"].values())


def test_every_tokenizer_stands_in_every_table(sheet):
    text = sheet.as_text()
    assert text.count("mine") >= 4 and text.count("bytes ") >= 4
    assert max(map(len, text.splitlines())) <= 80


def test_one_tokenizer_or_no_text_is_refused(tokenizer):
    with pytest.raises(UserError, match="two tokenizers"):
        compare_tokenizers({"mine": tokenizer}, {"en": TEXTS})
    with pytest.raises(UserError, match="no text"):
        compare_tokenizers({"a": tokenizer, "b": tokenizer}, {})
