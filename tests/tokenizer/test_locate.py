"""Laws of finding tokenizers: a file, a folder, a run, one of another program."""

from pathlib import Path

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.locate import load_any, load_named, name_of


def test_a_file_a_folder_and_a_run_are_the_same_tokenizer(tokenizer, tmp_path):
    path = tmp_path / "mine" / "tokenizer" / "tokenizer.json"
    path.parent.mkdir(parents=True)
    tokenizer.save(path)
    for place in (path, path.parent, tmp_path / "mine"):
        assert load_any(place).sha256 == tokenizer.sha256
        assert name_of(place) == "mine"


def test_a_foreign_one_is_read_too(gpt2_merges):
    assert load_any(gpt2_merges).vocab_size == 4257


def test_names_are_given_or_those_of_the_files(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "a.json")
    found = load_named([str(tmp_path / "a.json"), f"other={tmp_path / 'a.json'}"])
    assert list(found) == ["a", "other"]
    with pytest.raises(UserError, match="two tokenizers are called a"):
        load_named([str(tmp_path / "a.json")] * 2)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="nothing"):
        load_any(tmp_path / "nothing")
    assert name_of(Path("/tokenizer/tokenizer.json")) == "tokenizer"
