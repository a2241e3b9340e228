"""Laws of writing a tokenizer in other forms."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer, exported
from scratchlm.tokenizer.exported import FORMATS, export_tokenizer

FILES = {
    "huggingface": {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"},
    "tiktoken": {"tokenizer.tiktoken", "tokenizer.tiktoken.json"},
    "gguf": {"tokenizer.gguf"},
}


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_each_form_has_its_files_and_its_proof(tokenizer, tmp_path):
    reports = export_tokenizer(tokenizer, tmp_path, FORMATS, n_strings=300)
    for form in FORMATS:
        assert reports[form]["verified"]
        names = {path.name for path in (tmp_path / form).iterdir()}
        assert names == FILES[form] | {"verification.json"}


def test_the_files_are_the_same_bytes_each_time(tokenizer, tmp_path):
    for name in ("one", "two"):
        export_tokenizer(tokenizer, tmp_path / name, FORMATS, n_strings=120)
    for form in FORMATS:
        assert contents(tmp_path / "one" / form) == contents(tmp_path / "two" / form)


def test_an_older_export_is_replaced_and_nothing_else(tokenizer, tmp_path):
    export_tokenizer(tokenizer, tmp_path, ["tiktoken"], n_strings=200)
    other = Tokenizer.own([(104, 105)])
    export_tokenizer(other, tmp_path, ["tiktoken"], n_strings=200)
    (tmp_path / "tiktoken" / "model.safetensors").write_text("mine")
    with pytest.raises(UserError, match=r"model\.safetensors"):
        export_tokenizer(tokenizer, tmp_path, ["tiktoken"])
    assert (tmp_path / "tiktoken" / "model.safetensors").read_text() == "mine"


def test_an_export_that_does_not_prove_itself_is_not_kept(
    tokenizer, tmp_path, monkeypatch
):
    export_tokenizer(tokenizer, tmp_path, ["tiktoken"], n_strings=200)
    before = contents(tmp_path / "tiktoken")
    wrong = Tokenizer.own([(104, 105)])
    write = exported.write_tiktoken
    monkeypatch.setattr(exported, "write_tiktoken", lambda _, path: write(wrong, path))
    with pytest.raises(UserError, match="other ids for"):
        export_tokenizer(tokenizer, tmp_path, ["tiktoken"], n_strings=200)
    assert contents(tmp_path / "tiktoken") == before


@pytest.mark.parametrize(
    ("tokenizer", "form", "options", "reason"),
    [
        (Tokenizer.own(), "onnx", {}, "known: huggingface, tiktoken, gguf"),
        (Tokenizer.own(), "huggingface", {"template": "chatml"}, "im_start"),
        (Tokenizer.own([], "o200k"), "gguf", {}, "o200k"),
    ],
)
def test_what_a_form_cannot_hold_is_refused(tokenizer, form, options, reason, tmp_path):
    with pytest.raises(UserError, match=reason):
        export_tokenizer(tokenizer, tmp_path, [form], **options)
    assert not list(tmp_path.rglob("*"))
