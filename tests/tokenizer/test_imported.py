"""Laws of reading other programs' tokenizers."""

import json
import shutil
from pathlib import Path

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.byte_alphabet import byte_alphabet
from scratchlm.tokenizer.exported import export_tokenizer
from scratchlm.tokenizer.huggingface import to_huggingface_json
from scratchlm.tokenizer.imported import import_tokenizer
from scratchlm.tokenizer.tiktoken_file import write_tiktoken

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tokenizer"
MERGES = FIXTURES / "gpt2_merges.txt"


@pytest.fixture(scope="module")
def vectors():
    return json.loads((FIXTURES / "gpt2_vectors.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def gpt2():
    return import_tokenizer(MERGES)


@pytest.fixture(scope="module")
def exported(gpt2, tmp_path_factory):
    directory = tmp_path_factory.mktemp("gpt2")
    forms = ("huggingface", "tiktoken")
    reports = export_tokenizer(gpt2, directory, forms, n_strings=300)
    assert all(report["verified"] for report in reports.values())
    return directory


def test_gpt2s_merges_give_gpt2s_ids(gpt2, vectors):
    assert gpt2.vocab_size == 50257
    assert gpt2.special_tokens == {"<|endoftext|>": 50256}
    assert len(vectors) == 255
    for vector in vectors:
        assert gpt2.encode(vector["text"]) == vector["ids"], vector["text"]
        assert gpt2.decode(vector["ids"]) == vector["text"]


@pytest.mark.parametrize("form", ["huggingface", "tiktoken"])
def test_gpt2_comes_back_from_each_export_with_its_ids(exported, form, vectors):
    again = import_tokenizer(exported / form)
    assert again.special_tokens == {"<|endoftext|>": 50256}
    for vector in vectors:
        assert again.encode(vector["text"]) == vector["ids"], vector["text"]


def test_an_imported_tokenizer_is_saved_and_loaded(gpt2, vectors, tmp_path):
    gpt2.save(tmp_path / "tokenizer.json")
    again = import_tokenizer(tmp_path)
    assert again.sha256 == gpt2.sha256
    assert again.encode(vectors[0]["text"]) == vectors[0]["ids"]


def test_ids_of_merges_are_those_of_the_vocabulary_beside_them(tmp_path):
    lines = MERGES.read_text(encoding="utf-8").splitlines()[:3]
    (tmp_path / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    alone = import_tokenizer(tmp_path)
    vocab = {
        token: 999 - index
        for token, index in to_huggingface_json(alone)["model"]["vocab"].items()
    }
    (tmp_path / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    beside = import_tokenizer(tmp_path)
    assert beside.encode(" to") == [999 - index for index in alone.encode(" to")]
    assert len(alone.encode(" to")) == 2


def test_names_in_the_vocabulary_beside_merges_are_control_tokens(tmp_path):
    (tmp_path / "merges.txt").write_text("#version: 0.2\n< s\n", encoding="utf-8")
    vocab = {letter: 5 + index for index, letter in enumerate(byte_alphabet())}
    vocab |= {"<s>": 0, "<pad>": 1, "<s": 2, "<|unused_0|>": 3}
    (tmp_path / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    tokenizer = import_tokenizer(tmp_path)
    assert tokenizer.special_tokens == {"<s>": 0, "<pad>": 1}
    assert tokenizer.encode("<s>") == [vocab[sign] for sign in "<s>"]
    assert tokenizer.n_unused == 2


def test_wordpiece_comes_back_as_the_same_tokenizer(texts, tmp_path):
    config = TokenizerConfig(kind="wordpiece", vocab_size=900)
    tokenizer = train_tokenizer(config, texts)
    export_tokenizer(tokenizer, tmp_path, ["huggingface"], n_strings=100)
    assert import_tokenizer(tmp_path / "huggingface").sha256 == tokenizer.sha256


def test_a_folder_is_searched_for_the_usual_names(tokenizer, tmp_path):
    with pytest.raises(UserError, match=r"holds none of tokenizer\.json"):
        import_tokenizer(tmp_path)
    write_tiktoken(tokenizer, tmp_path)
    assert import_tokenizer(tmp_path).encode("a b") == tokenizer.encode("a b")
    tokenizer.save(tmp_path / "tokenizer.json")
    assert import_tokenizer(tmp_path).sha256 == tokenizer.sha256


SPLIT = '"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}'
HALF = json.dumps(to_huggingface_json(Tokenizer.own()))[:5000]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.json", HALF, "cut off or no JSON"),
        ("t.json", '{"model": 3}', "no model"),
        ("t.json", '{"model": {"type": "Unigram"}}', "type Unigram; known: BPE"),
        ("t.json", '{"model": {"type": "BPE", "vocab": 3}}', "by nothing"),
        ("t.json", f'{{"model": {{"merges": []}}, {SPLIT}}}', "not built as its kind"),
        ("t.json", '{"format": "scratchlm-tokenizer", "version": 1}', "version"),
        ("t.json", "[" * 100_000, "is no base64"),
        ("t.json", '{"model": ' + "[" * 100_000, "cut off or no JSON"),
        ("merges.txt", "#version: 0.2\nĠ t x\n", "no merge of two tokens"),
        ("merges.txt", "#version: 0.2\n中 t\n", "alphabet of bytes"),
        ("merges.txt", "#version: 0.2\nqq tt\n", "damaged"),
        ("t.tiktoken", "IQ== x\n", "line 1"),
        ("spiece.model", "\x00\x01", "line 1"),
        ("empty.json", "", "pattern"),
    ],
)
def test_damaged_and_foreign_files_are_refused(name, content, reason, tmp_path):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=reason):
        import_tokenizer(tmp_path / name)


def test_a_missing_file_and_an_unknown_pattern_are_named(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        import_tokenizer(tmp_path / "none.json")
    shutil.copy(MERGES, tmp_path / "merges.txt")
    with pytest.raises(UserError, match="known: gpt2"):
        import_tokenizer(tmp_path, "gpt3")
