"""Laws of the tokenizer's verbs that look and carry: pieces, exports, imports."""

import pytest

from scratchlm.cli.entry import run_command
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer

TEXT = "the river finds a stone, the stone finds the river. " * 20


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    path = tmp_path_factory.mktemp("tokenizer") / "t.json"
    found.save(path)
    return path


def test_a_text_is_shown_in_pieces_with_ids_and_no_control_codes(path, capsys):
    assert run_command(["tokenizer", "inspect", str(path), "the river"]) == 0
    pieces, ids, summary = capsys.readouterr().out.splitlines()
    assert pieces.replace("│", "") == "the river"
    assert pieces.count("│") == len(ids.split(":")) - 1
    assert summary.startswith(f"{pieces.count('│')} tokens")
    assert "\x1b" not in pieces


def test_on_a_terminal_pieces_are_coloured_unless_colour_is_unwanted(
    path, capsys, monkeypatch
):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run_command(["tokenizer", "inspect", str(path), "the river"]) == 0
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert run_command(["tokenizer", "inspect", str(path), "the river"]) == 0
    assert "\x1b[" not in capsys.readouterr().out


def test_without_a_text_the_tokenizer_is_described(path, capsys):
    assert run_command(["tokenizer", "inspect", str(path)]) == 0
    assert "300 entries (bpe)" in capsys.readouterr().out


def test_an_export_says_how_it_was_proved_and_comes_back(path, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["tokenizer", "export", str(path), "--out", str(out), "--strings", "50"]
    assert run_command([*words, "--format", "tiktoken"]) == 0
    assert "50 strings have the same ids by tiktoken" in capsys.readouterr().out
    back = tmp_path / "back.json"
    words = ["tokenizer", "import", str(out / "tiktoken"), "--out", str(back)]
    assert run_command(words) == 0
    assert "300 entries" in capsys.readouterr().out
    ours, theirs = Tokenizer.load(path), Tokenizer.load(back)
    assert ours.encode(TEXT) == theirs.encode(TEXT)


def test_a_form_that_cannot_hold_a_vocabulary_is_said_and_the_others_are_written(
    tmp_path, capsys
):
    config = TokenizerConfig(kind="wordpiece", vocab_size=600)
    train_tokenizer(config, [TEXT]).save(tmp_path / "w.json")
    words = ["tokenizer", "export", str(tmp_path / "w.json"), "--strings", "20"]
    words += ["--out", str(tmp_path / "out")]
    assert run_command(words) == 0
    said = capsys.readouterr().out
    assert "tiktoken: not written" in said and "huggingface: 2" in said
    assert run_command([*words, "--format", "tiktoken"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("verb", ["inspect", "import", "export"])
def test_a_file_that_is_no_tokenizer_is_one_line(verb, tmp_path, capsys):
    (tmp_path / "x.json").write_text('{"a": 1}')
    more = [] if verb == "inspect" else ["--out", str(tmp_path / "o")]
    assert run_command(["tokenizer", verb, str(tmp_path / "x.json"), *more]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "x.json" in said
    assert not (tmp_path / "o").exists()
