"""Laws of the proof of an export."""

import json

import pytest

from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer, verify
from scratchlm.tokenizer.exported import export_tokenizer
from scratchlm.tokenizer.huggingface import write_huggingface
from scratchlm.tokenizer.pattern import PATTERNS
from scratchlm.tokenizer.tiktoken_file import write_tiktoken
from scratchlm.tokenizer.verify import verify_export

from .conversations import CHAT_TOKENIZER


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_goes_to_both_libraries_unchanged(pattern, texts, tmp_path):
    config = TokenizerConfig(vocab_size=900, pattern=pattern)
    tokenizer = train_tokenizer(config, texts)
    for form in ("huggingface", "tiktoken"):
        reports = export_tokenizer(tokenizer, tmp_path, [form], n_strings=700)
        assert reports[form]["verified"], reports
        assert reports[form]["n_strings"] > 600


@pytest.mark.parametrize("form", ["cased", "bert"])
def test_wordpiece_goes_to_hugging_faces_form(form, texts, tmp_path):
    config = TokenizerConfig(kind="wordpiece", form=form, vocab_size=900)
    tokenizer = train_tokenizer(config, texts)
    write_huggingface(tokenizer, tmp_path)
    report = verify_export(tokenizer, tmp_path, "huggingface", 800)
    assert report["verified"], report


def test_other_ids_are_found_and_shown(tmp_path):
    write_tiktoken(Tokenizer.own([(104, 105)]), tmp_path)
    other = Tokenizer.own([(104, 101)])
    report = verify_export(other, tmp_path, "tiktoken", 200)
    assert not report["verified"]
    assert 0 < report["mismatches"] <= 200
    assert 0 < len(report["examples"]) <= 5
    example = report["examples"][0]
    assert other.encode(example["text"]) == example["ours"] != example["theirs"]


def test_the_report_stands_beside_the_files_the_same_each_time(tokenizer, tmp_path):
    write_tiktoken(tokenizer, tmp_path)
    report = verify_export(tokenizer, tmp_path, "tiktoken", 200)
    first = (tmp_path / "verification.json").read_bytes()
    assert json.loads(first) == report
    verify_export(tokenizer, tmp_path, "tiktoken", 200)
    assert (tmp_path / "verification.json").read_bytes() == first


@pytest.mark.parametrize("library", ["tokenizers", "tiktoken", "gguf"])
def test_a_missing_library_is_said(library, tokenizer, tmp_path, monkeypatch):
    installed = verify.installed_version
    monkeypatch.setattr(
        verify,
        "installed_version",
        lambda name: None if name == library else installed(name),
    )
    form = "huggingface" if library == "tokenizers" else library
    report = export_tokenizer(tokenizer, tmp_path, [form])[form]
    assert report["verified"] is False
    assert report["why"] == f"not verified: {library} is not installed"


def test_a_library_that_nobody_installs_has_no_version():
    assert verify.installed_version("no-such-library-anywhere") is None


@pytest.mark.parametrize("template", ["scratchlm", "chatml", "llama3"])
def test_conversations_are_rendered_with_transformers_too(template, tmp_path):
    write_huggingface(CHAT_TOKENIZER, tmp_path, template=template)
    report = verify_export(
        CHAT_TOKENIZER, tmp_path, "huggingface", 300, template=template
    )
    chat = report["chat"]
    assert report["verified"]
    assert chat["template"] == template
    assert chat["different"]["plain"] == 0
    spaced = chat["different"]["begins_with_white_space"]
    assert (spaced == 0) == (template == "scratchlm")


def test_another_rendering_is_found(tmp_path):
    write_huggingface(CHAT_TOKENIZER, tmp_path, template="chatml")
    report = verify_export(
        CHAT_TOKENIZER, tmp_path, "huggingface", 200, template="scratchlm"
    )
    assert not report["verified"]
    assert report["mismatches"] == 0
