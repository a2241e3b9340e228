"""Laws of input hashes: content and names count, places and dates do not."""

import os
import shutil

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus import CorpusConfig
from scratchlm.pipeline.inputs import count_input_bytes, hash_inputs


def config_for(folder, **more):
    return CorpusConfig(source="files", paths=(str(folder),), **more)


@pytest.fixture
def folder(tmp_path):
    notes = tmp_path / "one" / "notes"
    notes.mkdir(parents=True)
    (notes / "a.txt").write_text("alpha")
    (notes / "b.txt").write_text("beta")
    return notes


def test_a_moved_and_touched_folder_has_the_same_hashes(tmp_path, folder):
    before = hash_inputs(config_for(folder))
    moved = tmp_path / "two" / "notes"
    shutil.copytree(folder, moved)
    os.utime(moved / "a.txt", (1, 1))
    assert hash_inputs(config_for(moved)) == before
    assert list(before) == ["text/notes/a.txt", "text/notes/b.txt"]


def test_a_changed_letter_changes_the_hash_of_its_file_alone(folder):
    before = hash_inputs(config_for(folder))
    (folder / "b.txt").write_text("betb")
    after = hash_inputs(config_for(folder))
    assert [name for name in before if before[name] != after[name]] == [
        "text/notes/b.txt"
    ]


def test_own_conversations_and_pairs_count_as_inputs(folder):
    chat = folder / "b.txt"
    hashes = hash_inputs(config_for(folder, chat=str(chat)))
    assert hashes["chat"] == hashes["text/notes/b.txt"]
    with pytest.raises(UserError, match="nowhere"):
        hash_inputs(config_for(folder, preferences="nowhere.jsonl"))


def test_the_standard_library_is_one_input_named_after_its_python():
    hashes = hash_inputs(CorpusConfig())
    assert hashes == hash_inputs(CorpusConfig())
    assert [name.startswith("standard library of Python") for name in hashes] == [True]


def test_the_size_of_the_text_is_that_of_its_files(folder):
    assert count_input_bytes(config_for(folder)) == len("alphabeta")
    assert count_input_bytes(CorpusConfig()) > 1_000_000
