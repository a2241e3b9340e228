"""Laws of training WordPiece."""

from collections import Counter

import pytest
from tokenizers import BertWordPieceTokenizer

from scratchlm import native
from scratchlm.base.errors import UserError
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.bert import BertSplit
from scratchlm.tokenizer.bpe import learn_merges_of_symbols
from scratchlm.tokenizer.pattern import split_text
from scratchlm.tokenizer.train import build_counts, train_from_counts
from scratchlm.tokenizer.wordpiece_train import MergeOptions, train_bert, train_cased

LOWER = BertSplit()


def count_words(texts, split=LOWER.split_words):
    return Counter(word.encode() for text in texts for word in split(text))


def pieces(text):
    return split_text("llama3", text)


def train_library(words, n_tokens, **options):
    """The library's own trainer on words that need no more splitting."""
    peer = BertWordPieceTokenizer()
    repeated = (w.decode() for word, n in words.items() for w in [word] * n)
    peer.train_from_iterator(
        repeated, n_tokens + 4, show_progress=False, **{"min_frequency": 2, **options}
    )
    return sorted(peer.get_vocab(), key=peer.get_vocab().get)[5:]


def merges_in_the_order_of(vocabulary, words, n_tokens):
    """Tokens by frequency where ties go by the ids that another vocabulary gives."""
    units = [
        t for t in vocabulary if len(t.removeprefix("##") if len(t) > 2 else t) < 2
    ]
    numbers = {unit: number for number, unit in enumerate(units)}
    symbols = [
        ([numbers[c if at == 0 else "##" + c] for at, c in enumerate(word)], count)
        for word, count in ((w.decode(), n) for w, n in words.items())
    ]
    tokens = list(units)
    for left, right in learn_merges_of_symbols(
        symbols, n_tokens - 1 - len(units), lengths=[1] * len(units)
    ):
        tokens.append(tokens[left] + tokens[right].removeprefix("##"))
    return tokens


@pytest.fixture(scope="module")
def words(texts):
    ascii_only = (text for text in texts if text.isascii())
    return count_words(ascii_only)


def test_with_the_librarys_order_of_ties_the_tokens_are_the_librarys(words):
    theirs = train_library(words, 700)
    assert merges_in_the_order_of(theirs, words, 700) == theirs


def test_a_limited_alphabet_is_the_librarys_and_keeps_frequent_characters(words):
    counts = Counter()
    for word, count in words.items():
        counts.update({c: word.decode().count(c) * count for c in {*word.decode()}})
    ranked = [count for _, count in counts.most_common()]
    # the library leaves to chance which of equally frequent characters goes
    limit = next(n for n in range(30, 60) if ranked[n - 1] > ranked[n])
    ours = train_bert(words.items(), MergeOptions(300), limit_alphabet=limit).tokens
    theirs = train_library(words, 300, limit_alphabet=limit)
    kept = {token for token in ours[1:] if len(token) == 1}
    assert kept == {token for token in theirs if len(token) == 1}
    assert kept == {character for character, _ in counts.most_common(limit)}


def test_tokens_of_berts_form_stand_in_the_order_of_unicode_then_of_merging(words):
    tokens = train_bert(words.items(), MergeOptions(400)).tokens
    n_first = next(i for i, token in enumerate(tokens) if token.startswith("##"))
    assert tokens[0] == "[UNK]"
    assert list(tokens[1:n_first]) == sorted(tokens[1:n_first])
    assert all(len(token) == 1 for token in tokens[1:n_first])
    n_units = next(i for i, t in enumerate(tokens[n_first:]) if len(t) > 3)
    continuing = tokens[n_first : n_first + n_units]
    assert list(continuing) == sorted(continuing)


@pytest.mark.parametrize("score", ["frequency", "likelihood"])
def test_a_cased_vocabulary_begins_with_all_bytes_and_has_no_token_twice(texts, score):
    counts = count_words(texts, pieces)
    model = train_cased(counts.items(), MergeOptions(900, score))
    assert model.decode(range(256)) == model.decode(range(256, 512))
    assert len(model.tokens) == len(set(model.tokens)) == 900


@pytest.mark.parametrize("score", ["frequency", "likelihood"])
def test_neither_the_order_of_the_words_nor_anything_else_plays_a_part(texts, score):
    counts = count_words(texts[:40], pieces)
    options = MergeOptions(700, score)
    backwards = list(counts.items())[::-1]
    assert train_cased(backwards, options) == train_cased(counts.items(), options)


def test_the_c_core_learns_what_python_learns(texts, words, monkeypatch):
    pieces_of_bytes = count_words(texts, pieces).items()
    options = MergeOptions(1500, max_token_bytes=9)
    here = train_cased(pieces_of_bytes, options), train_bert(words.items(), options)
    monkeypatch.setattr(native, "core", None)
    there = train_cased(pieces_of_bytes, options), train_bert(words.items(), options)
    assert here == there


def test_tokens_by_frequency_serve_a_text_better_than_bytes(texts):
    counts = count_words(texts[:1], pieces)
    model = train_cased(counts.items(), MergeOptions(900))
    n_tokens = sum(len(model.encode_piece(p)) * n for p, n in counts.items())
    n_bytes = sum(len(p) * n for p, n in counts.items())
    assert n_bytes / n_tokens > 2.5


def test_no_token_is_longer_than_allowed_or_of_a_rarer_pair(texts):
    counts = count_words(texts, pieces)
    model = train_cased(counts.items(), MergeOptions(2000, max_token_bytes=4))
    assert max(map(len, model.tokens_as_bytes())) == 4
    rare = train_cased({b"ab": 2, b"cd": 3}.items(), MergeOptions(600, min_frequency=3))
    assert rare.tokens_as_bytes()[512:] == (b"cd",)


def test_a_vocabulary_too_small_for_single_characters_is_refused():
    with pytest.raises(UserError, match="raise tokenizer"):
        train_cased([(b"ab", 2)], MergeOptions(511))
    with pytest.raises(UserError, match="limit_alphabet"):
        train_bert([(b"abcdef", 2)], MergeOptions(8))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"score": "likelihood", "pattern": "gpt2"},
        {"form": "bert"},
        {"form": "bert", "lower": False, "limit_alphabet": 40},
    ],
)
def test_one_config_trains_either_form(texts, options):
    config = TokenizerConfig(kind="wordpiece", vocab_size=900, **options)
    tokenizer = train_tokenizer(config, texts)
    assert tokenizer.kind == "wordpiece"
    assert tokenizer.vocab_size == 900
    assert tokenizer.is_own_layout
    ids = tokenizer.encode(texts[0])
    assert max(ids) < tokenizer.first_special_id
    if config.form == "cased":
        assert tokenizer.decode(ids) == texts[0]
        assert tokenizer.model.pattern == config.pattern
    else:
        assert tokenizer.model.lower is config.lower
        assert {"[PAD]", "[CLS]", "[SEP]", "[MASK]"} < set(tokenizer.special_tokens)


def test_counts_of_words_train_berts_form_alone(texts):
    config = TokenizerConfig(kind="wordpiece", form="bert", vocab_size=900)
    counts = build_counts(config)
    counts.add_texts(texts)
    tokenizer = train_from_counts(config, counts)
    assert tokenizer.sha256 == train_tokenizer(config, texts).sha256
    for other in ({"form": "cased"}, {"form": "bert", "lower": False}):
        wanted = TokenizerConfig(kind="wordpiece", vocab_size=900, **other)
        with pytest.raises(UserError, match="kind=wordpiece form=bert lower=true"):
            train_from_counts(wanted, counts)
    with pytest.raises(UserError, match="no merges to extend"):
        train_from_counts(config, counts, [(97, 98)])
