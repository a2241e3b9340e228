"""Laws of the tokenizer file."""

import json

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.tokenizer import Tokenizer, to_huggingface_json


@pytest.fixture
def path(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    return path


def edit(path, change, keep_checksum=True):
    value = json.loads(path.read_text())
    change(value)
    if not keep_checksum:
        rest = {
            k: v for k, v in value.items() if k not in ("format", "version", "sha256")
        }
        value["sha256"] = sha256_json(rest)
    path.write_text(json.dumps(value))


def test_a_loaded_tokenizer_gives_the_same_ids(any_tokenizer, fuzz, tmp_path):
    any_tokenizer.save(tmp_path / "t.json")
    loaded = Tokenizer.load(tmp_path / "t.json")
    assert loaded.sha256 == any_tokenizer.sha256
    for text in fuzz(200, 9):
        assert loaded.encode(text) == any_tokenizer.encode(text)


def test_saving_what_was_loaded_writes_the_same_bytes(path, tmp_path):
    Tokenizer.load(path).save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_a_file_cut_anywhere_is_refused(path):
    whole = path.read_bytes()
    for size in range(0, len(whole) - 2, len(whole) // 40):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match="cut off"):
            Tokenizer.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["model"]["merges"].pop(),
        lambda value: value["model"].update(pattern="gpt2"),
        lambda value: value.update(vocab_size=2000),
        lambda value: value.update(extra=1),
        lambda value: value.pop("sha256"),
    ],
)
def test_an_edited_file_is_refused(path, change):
    edit(path, change)
    with pytest.raises(UserError, match="edited"):
        Tokenizer.load(path)


def test_bytes_that_are_no_text_are_refused(path):
    path.write_bytes(b"\xff\xfe\x00" + path.read_bytes())
    with pytest.raises(UserError, match="no JSON"):
        Tokenizer.load(path)


def test_a_file_of_another_kind_is_refused_by_name(path, tokenizer):
    path.write_text(json.dumps(to_huggingface_json(tokenizer)))
    with pytest.raises(UserError, match="Hugging Face"):
        Tokenizer.load(path)
    path.write_text("[1, 2]")
    with pytest.raises(UserError, match="not a ScratchLM tokenizer"):
        Tokenizer.load(path)


@pytest.mark.parametrize(
    "news",
    [
        {"kind": "other"},
        {"model": {"pattern": "x", "merges": []}},
        {"unicode_version": "99"},
    ],
)
def test_what_this_version_does_not_know_is_refused(path, news):
    edit(path, lambda value: value.update(news), keep_checksum=False)
    with pytest.raises(UserError, match="does not know"):
        Tokenizer.load(path)


def test_a_file_of_another_version_is_refused(path):
    edit(path, lambda value: value.update(version=3))
    with pytest.raises(UserError, match="another version"):
        Tokenizer.load(path)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="train a tokenizer first"):
        Tokenizer.load(tmp_path / "none.json")
