"""Laws of the sweep: cut from one training, each size is as if trained alone."""

import xml.etree.ElementTree as ET

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import TokenizerConfig, WordCounts, train_from_counts
from scratchlm.tokenizer.sweep import cut, drawing_title, nested_tokenizers, sweep_sizes

SIZES = (300, 500, 900)


@pytest.fixture(scope="module")
def counts(texts):
    counted = WordCounts("llama3")
    counted.add_texts(texts)
    return counted


@pytest.fixture(scope="module")
def sheet(counts, texts):
    return sweep_sizes(TokenizerConfig(), counts, {"held out": texts[1:60]}, SIZES)


@pytest.mark.parametrize(("kind", "sizes"), [("bpe", SIZES), ("wordpiece", (600, 700))])
def test_each_size_is_what_training_at_that_size_gives(counts, kind, sizes):
    config = TokenizerConfig(kind=kind)
    for size, found in nested_tokenizers(config, counts, sizes).items():
        alone = config.model_copy(update={"vocab_size": size})
        assert found.sha256 == train_from_counts(alone, counts).sha256


def test_a_smaller_vocabulary_is_a_prefix(counts):
    small, large = nested_tokenizers(TokenizerConfig(), counts, (300, 900)).values()
    assert large.merges[: len(small.merges)] == small.merges
    assert cut(large, 300).sha256 == small.sha256


def test_a_larger_vocabulary_never_needs_more_tokens_here(sheet):
    tokens = [row["n_tokens"] for row in sheet.data["sizes"]]
    assert tokens == sorted(tokens, reverse=True) and len(set(tokens)) == len(SIZES)


def test_the_curve_names_every_size_and_says_what_it_shows(sheet):
    [drawing] = sheet.drawings
    tree = ET.fromstring(drawing.svg)
    points = tree.find("polyline").get("points").split()
    assert len(points) == len(SIZES)
    words = [element.text for element in tree.iter("text")]
    assert {"300", "500", "900"} <= set(words)
    assert drawing.title == drawing_title(sheet.data["sizes"])
    assert "300 to 900 ids" in drawing.title


def test_slots_that_stay_empty_are_said(counts, texts):
    found = sweep_sizes(TokenizerConfig(), counts, {"x": texts[:1]}, (300, 1 << 15))
    assert "slots stay empty" in " ".join(found.as_text().split())
    assert found.data["sizes"][1]["n_empty_slots"] > 0


@pytest.mark.parametrize("sizes", [(), (100,)])
def test_sizes_that_hold_no_bytes_are_refused(counts, sizes):
    with pytest.raises(UserError, match="272 or more"):
        nested_tokenizers(TokenizerConfig(), counts, sizes)


def test_nothing_held_out_is_refused(counts):
    with pytest.raises(UserError, match="held out"):
        sweep_sizes(TokenizerConfig(), counts, {}, SIZES)
