"""Laws of measuring: what is counted is what encoding gives, read once."""

from scratchlm.tokenizer import Tokenizer
from scratchlm.tokenizer.measure import flatten, measure

SOURCES = {"de": ["Größe zählt.", "", "zwei Wörter"], "en": ["two words here"] * 3}


def test_figures_are_those_of_encoding_each_document(tokenizer):
    found = measure({"t": tokenizer}, flatten(SOURCES))
    for name, texts in SOURCES.items():
        full = [text for text in texts if text]
        row = found.sources[name].row("t")
        assert row["n_documents"] == len(full)
        assert row["n_tokens"] == sum(len(tokenizer.encode(text)) for text in full)
        assert row["n_bytes"] == sum(len(text.encode()) for text in full)
        assert row["n_words"] == sum(len(text.split()) for text in full)
        ratio = row["n_bytes"] / row["n_tokens"]
        assert abs(row["bytes_per_token"]["value"] - ratio) < 1e-6
    ids = [i for texts in SOURCES.values() for t in texts for i in tokenizer.encode(t)]
    assert found.id_counts["t"].sum() == len(ids)
    assert found.id_counts["t"][ids[0]] == ids.count(ids[0])


def test_documents_are_read_once_for_all_tokenizers(tokenizer):
    stream = iter([("a", "one text"), ("a", "another text")])
    found = measure({"mine": tokenizer, "bytes": Tokenizer.own()}, stream)
    assert found.sources["a"].n_tokens["bytes"] == found.sources["a"].n_bytes
    assert next(stream, None) is None


def test_the_whole_is_the_sum_of_its_sources(tokenizer):
    found = measure({"t": tokenizer}, flatten(SOURCES))
    parts = [one.row("t")["n_tokens"] for one in found.sources.values()]
    assert found.total.row("t")["n_tokens"] == sum(parts)
    assert found.n_bytes == found.total.row("t")["n_bytes"]


def test_a_tokenizer_against_itself_has_ratio_one_without_width(tokenizer):
    found = measure({"a": tokenizer, "b": tokenizer}, flatten(SOURCES))
    ratio = found.sources["en"].ratio("a", "b")
    assert (ratio.value, ratio.low, ratio.high) == (1.0, 1.0, 1.0)


def test_halves_of_surrogate_pairs_count_as_the_character_they_become(tokenizer):
    found = measure({"t": tokenizer}, [("x", "a\ud800b")])
    assert found.n_bytes == len(tokenizer.decode_bytes(tokenizer.encode("a\ud800b")))
