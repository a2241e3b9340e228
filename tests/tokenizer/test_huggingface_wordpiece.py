"""Laws of WordPiece in Hugging Face's form: out, and in."""

import json
from functools import cache

import pytest
import tokenizers
from tokenizers import normalizers, pre_tokenizers
from transformers import AutoTokenizer, BertTokenizer

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.huggingface import to_huggingface_json, write_huggingface
from scratchlm.tokenizer.huggingface_wordpiece import read_wordpiece
from scratchlm.tokenizer.wordpiece import WordPiece

KINDS = {
    "cased": {},
    "gpt2": {"pattern": "gpt2"},
    "bert": {"form": "bert"},
    "bert-cased": {"form": "bert", "lower": False},
}


@pytest.fixture(scope="module", params=KINDS)
def wordpiece(request, texts):
    """A tokenizer of each form."""
    options = KINDS[request.param]
    config = TokenizerConfig(kind="wordpiece", vocab_size=1000, **options)
    return train_tokenizer(config, texts)


def load(tokenizer):
    return tokenizers.Tokenizer.from_str(json.dumps(to_huggingface_json(tokenizer)))


@cache
def is_classed_alike(character, lower):
    """Whether the library's older tables say the same of a character."""
    split = WordPiece((), "bert", lower=lower, strip_accents=lower).split
    normalizer = normalizers.BertNormalizer(lowercase=lower)
    text = normalizer.normalize_str(f"x{character}y {character}")
    words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)
    return [word for word, _ in words] == split(f"x{character}y {character}")


def comparable(text, model):
    if model.form == "cased":
        return text
    return "".join(c for c in text if is_classed_alike(c, model.lower))


def test_every_text_has_the_same_ids_there(wordpiece, fuzz, texts):
    peer = load(wordpiece)
    batch = [*fuzz(1000, 41), texts[0][:20_000]]
    batch = [comparable(text, wordpiece.model) for text in batch]
    found = peer.encode_batch(batch, add_special_tokens=False)
    for text, encoding in zip(batch, found, strict=True):
        assert encoding.ids == wordpiece.encode(text), repr(text)


def test_every_text_decodes_there_as_here(wordpiece, fuzz):
    peer = load(wordpiece)
    for text in fuzz(300, 42):
        ids = wordpiece.encode(text)
        assert peer.decode(ids) == wordpiece.decode(ids)
        if wordpiece.model.form == "cased":
            assert peer.decode(ids) == text


def test_what_was_written_is_read_back_the_same(wordpiece, fuzz):
    again = read_wordpiece(to_huggingface_json(wordpiece), "tokenizer.json")
    assert again.sha256 == wordpiece.sha256
    for text in fuzz(50, 43):
        assert again.encode(text) == wordpiece.encode(text)


def test_the_library_frames_berts_inputs_as_we_do(texts):
    config = TokenizerConfig(kind="wordpiece", form="bert", vocab_size=600)
    ours = train_tokenizer(config, texts)
    peer = load(ours).encode("one text", "another")
    cls, sep = ours.special_id("[CLS]"), ours.special_id("[SEP]")
    one, another = ours.encode("one text"), ours.encode("another")
    assert peer.ids == [cls, *one, sep, *another, sep]
    assert peer.type_ids == [0] * (len(one) + 2) + [1] * (len(another) + 1)


def test_transformers_loads_the_directory_and_gives_the_same_ids(
    wordpiece, tmp_path, texts
):
    write_huggingface(wordpiece, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert len(loaded) == wordpiece.vocab_size
    assert loaded.pad_token_id == wordpiece.pad_id
    text = texts[0][:5000]
    ids = loaded(text, add_special_tokens=False)["input_ids"]
    assert ids == wordpiece.encode(text)
    assert loaded.decode(ids) == wordpiece.decode(ids)


def test_the_ids_are_those_of_transformers_own_bert_tokenizer(tmp_path, texts):
    config = TokenizerConfig(kind="wordpiece", form="bert", vocab_size=800)
    ours = train_tokenizer(config, texts)
    names = [token or f"[unused{i}]" for i, token in enumerate(ours.model.tokens)]
    names += list(ours.special_tokens)
    (tmp_path / "vocab.txt").write_text("\n".join(names), encoding="utf-8")
    peer = BertTokenizer.from_pretrained(tmp_path)
    for text in [texts[0][:20_000], "Don't STOP, naïve one!", "你好"]:
        found = peer(text, add_special_tokens=False)["input_ids"]
        assert found == ours.encode(text)


def test_a_vocabulary_laid_out_as_berts_goes_out_and_comes_back():
    model = WordPiece(
        ("", "a", "[UNK]", "", "##b", "", "un"), "bert", prefix="##", max_word_chars=9
    )
    ours = Tokenizer(model, {"[PAD]": 0, "[CLS]": 3, "[SEP]": 7}, 8)
    peer = load(ours)
    names = ["[PAD]", "a", "[UNK]", "[CLS]", "##b", "<|unused_0|>", "un", "[SEP]"]
    assert [peer.id_to_token(i) for i in range(8)] == names
    for text in ("ab un x unb", "a" + "b" * 8, "a" + "b" * 9):
        assert peer.encode(text).ids == [3, *ours.encode(text), 7]
    assert read_wordpiece(to_huggingface_json(ours), "f").sha256 == ours.sha256


def test_unknown_words_are_text_even_where_the_file_calls_the_token_special():
    model = WordPiece(("[UNK]", "a"), "bert", prefix="##")
    content = to_huggingface_json(Tokenizer(model, {"[PAD]": 2}, 3))
    content["added_tokens"].append(
        {**content["added_tokens"][0], "content": "[UNK]", "id": 0}
    )
    again = read_wordpiece(content, "f")
    assert again.encode("a x") == [1, 0]
    assert again.special_tokens == {"[PAD]": 2}


def spoil(content, path, value):
    *parents, last = path
    for key in parents:
        content = content[key]
    content[last] = value


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (["normalizer"], {"type": "NFC"}, "neither cleans"),
        (["normalizer", "clean_text"], False, "neither cleans"),
        (["pre_tokenizer"], {"type": "Whitespace"}, "neither cleans"),
        (["model", "unk_token"], "<unk>", "no token '<unk>'"),
        (["model", "continuing_subword_prefix"], "", "with nothing at all"),
        (["model", "vocab"], None, "no complete tokenizer.json"),
        (["added_tokens", 0, "special"], False, "no control token"),
    ],
)
def test_what_would_give_other_ids_is_refused_with_the_reason(path, value, reason):
    model = WordPiece(("[UNK]", "a"), "bert", prefix="##")
    content = to_huggingface_json(Tokenizer(model, {"[PAD]": 2}, 3))
    spoil(content, path, value)
    with pytest.raises(UserError, match=reason) as refusal:
        read_wordpiece(content, "some.json")
    assert str(refusal.value).startswith("some.json ")
    assert "\n" not in str(refusal.value)


def test_a_pattern_that_we_do_not_know_is_refused(texts):
    config = TokenizerConfig(kind="wordpiece", vocab_size=600)
    content = to_huggingface_json(train_tokenizer(config, texts))
    spoil(content, ["pre_tokenizer", "pretokenizers", 0, "pattern"], {"Regex": r"\w+"})
    with pytest.raises(UserError, match="a pattern that we do not know"):
        read_wordpiece(content, "some.json")
