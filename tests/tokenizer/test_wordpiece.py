"""Laws of spelling with the longest token, and of the two forms."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from scratchlm.tokenizer import StreamDecoder, Tokenizer
from scratchlm.tokenizer.wordpiece import CASED_PREFIX, WordPiece

BYTES = [(bytes([b]), continues) for continues in (False, True) for b in range(256)]
CASED = WordPiece.cased(
    [*BYTES, (b" the", False), (b" th", False), (b"er", True), (b"ere", True)]
)
BERT = WordPiece(
    ("[UNK]", *"abcdu.", "##a", "##b", "##able", "ab", "un", "##bl", "##é", "abcd"),
    "bert",
    prefix="##",
)
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def names(model, piece):
    return [model.tokens[token] for token in model.encode_piece(piece.encode())]


@pytest.mark.parametrize(
    ("word", "tokens"),
    [
        ("unable", ["un", "##able"]),
        ("abab", ["ab", "##a", "##b"]),
        ("abc", ["[UNK]"]),  # ab fits, then no ##c: the whole word is unknown
        ("bé", ["b", "##é"]),
        ("x", ["[UNK]"]),
        ("a" + 99 * "b", ["ab", *["##b"] * 98]),
        ("a" + 100 * "b", ["[UNK]"]),
        ("", []),
    ],
)
def test_words_by_hand(word, tokens):
    assert names(BERT, word) == tokens


def test_the_longest_token_wins_even_where_that_makes_more_tokens():
    model = WordPiece(("[UNK]", "ab", "abc", "##cd", "##d"), "bert", prefix="##")
    assert names(model, "abcd") == ["abc", "##d"]
    assert names(model, "abcdd") == ["abc", "##d", "##d"]


def test_the_cased_form_spells_any_bytes():
    every = bytes(range(256))
    for piece in (every, every[::-1], b"", "é".encode()[:1]):
        assert CASED.decode(CASED.encode_piece(piece)) == piece


def test_beginning_and_continuing_bytes_are_different_tokens():
    assert CASED.encode_piece(b"aa") == [97, 256 + 97]
    assert CASED.encode_piece(b" there") == [512, 256 + 114, 256 + 101]
    assert CASED.encode_piece(b" here")[-1] == 515


@given(ANY_TEXT)
def test_the_cased_form_gives_any_text_back(text):
    tokenizer = Tokenizer.in_own_layout(CASED)
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert tokenizer.decode(tokenizer.encode(text)) == expected


@pytest.mark.parametrize("model", [CASED, BERT])
@pytest.mark.parametrize("backend", [None, "python"])
def test_every_way_gives_the_ids_of_the_specification(model, backend, fuzz, texts):
    fast = Tokenizer.in_own_layout(model, backend=backend)
    plain = Tokenizer.in_own_layout(model, backend="specification")
    for text in [texts[0][:5000], *fuzz(800, 31)]:
        assert fast.encode(text) == plain.encode(text), repr(text)


@pytest.mark.parametrize("backend", [None, "python", "specification"])
def test_the_cased_form_keeps_bytes_that_are_no_text(backend):
    tokenizer = Tokenizer.in_own_layout(CASED, backend=backend)
    data = b"a\xff\xfe the \xc3 \x80\x00th" + bytes(range(256))
    assert tokenizer.decode_bytes(tokenizer.encode_bytes(data)) == data


@pytest.mark.parametrize("model", [CASED, BERT])
def test_a_text_never_becomes_a_control_token(model):
    names = ("[CLS]", "[SEP]", "<|endoftext|>")
    tokenizer = Tokenizer.in_own_layout(model, special_tokens=names)
    ids = tokenizer.encode("[CLS] a [SEP] <|endoftext|>")
    assert max(ids) < tokenizer.first_special_id


def test_berts_form_decodes_as_the_library_does(fuzz):
    vocabulary = {token: index for index, token in enumerate(BERT.tokens)}
    vocabulary |= {"[CLS]": 90, "[SEP]": 91}
    peer = BertWordPieceTokenizer(vocabulary)
    for text in ["ab unable. a b", "un.able . . ab", "ab", "", *fuzz(300, 32)]:
        ids = peer.encode(text, add_special_tokens=False).ids
        theirs = peer.decode(ids, skip_special_tokens=False)  # shows what is unknown
        assert BERT.decode(ids).decode() == theirs, repr(text)


@pytest.mark.parametrize("model", [CASED, BERT])
def test_a_streamed_text_is_the_text_decoded_at_once(model, fuzz):
    tokenizer = Tokenizer.in_own_layout(model)
    stream = StreamDecoder(tokenizer)
    for text in ["ab unable.", *fuzz(100, 33)]:
        ids = [tokenizer.endoftext_id, *tokenizer.encode(text)]
        streamed = "".join([*map(stream.push, ids), stream.flush()])
        assert streamed == tokenizer.decode(ids)


@pytest.mark.parametrize("model", [CASED, BERT])
def test_a_description_is_json_and_gives_the_model_back(model):
    value = json.loads(json.dumps(model.describe()))
    assert WordPiece.from_description(value) == model


@pytest.mark.parametrize("model", [CASED, BERT])
def test_a_saved_tokenizer_gives_the_same_ids(model, tmp_path, texts):
    tokenizer = Tokenizer.in_own_layout(model, 1000)
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert loaded.kind == "wordpiece"
    assert loaded.sha256 == tokenizer.sha256
    assert loaded.encode(texts[0]) == tokenizer.encode(texts[0])


def test_the_prefix_is_no_letter_of_the_alphabet_of_bytes():
    continuing = CASED.tokens[256:512]
    assert all(token.startswith(CASED_PREFIX) for token in continuing)
    assert not any(CASED_PREFIX in token for token in CASED.tokens[:256])
    assert len(set(CASED.tokens)) == len(CASED.tokens)
