"""Laws of the verbs: each calls its room and says what came out."""

import json
import random

import pytest

from scratchlm.cli.entry import run_command

NOUNS = ["stone", "river", "lamp", "garden", "letter", "bridge", "cloud", "violin"]
VERBS = ["carries", "finds", "leaves", "answers", "follows", "hides", "repairs"]


def sentence(chance):
    first, second = chance.sample(NOUNS, 2)
    verb, number = chance.choice(VERBS), chance.randrange(1000)
    return f"The {first} of house {number} {verb} a {second} near the harbour."


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A folder of small texts with headings, no two alike."""
    folder = tmp_path_factory.mktemp("text")
    chance = random.Random(0)
    for number in range(20):
        parts = []
        for section in range(4):
            parts.append(f"# {chance.choice(NOUNS)} {chance.choice(NOUNS)} {section}")
            parts.append(" ".join(sentence(chance) for _ in range(9)))
        (folder / f"{number:02d}.md").write_text("\n\n".join(parts))
    return folder


@pytest.fixture(scope="module")
def corpus(text, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "corpus"
    words = ["corpus", "build", "--text", str(text), "--out", str(out)]
    assert run_command([*words, "--ask", "min_corpus_bytes=1000"]) == 0
    return out


def test_a_corpus_is_built_counted_and_looked_into(corpus, capsys):
    assert run_command(["corpus", "stats", str(corpus)]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["train"]["n_documents"] > stats["heldout"]["n_documents"] > 0
    assert stats["train"]["n_bytes"] > 10_000
    words = ["--rows", "2", "--what", "conversations", "--verify"]
    assert run_command(["corpus", "stats", str(corpus), *words]) == 0
    assert capsys.readouterr().out.count('"messages": ') == 2


def test_a_build_is_tried_on_a_sample_and_writes_nothing(text, tmp_path, capsys):
    words = ["corpus", "inspect", str(text), "--share", "0.5", "filters.preset=c4"]
    assert run_command(words) == 0
    said = capsys.readouterr().out
    assert "c4" in said and "would stay, after about" in said
    assert run_command([*words, "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["share"] == 1  # so little is looked at whole
    assert seen["estimate"]["n_bytes"] >= seen["result"]["n_bytes"]
    assert not list(tmp_path.iterdir())


def test_a_corpus_is_encoded_and_looked_through(corpus, tmp_path, capsys):
    tokenizer, out = tmp_path / "t.json", tmp_path / "data"
    words = ["tokenizer", "train", str(corpus), "--out", str(tokenizer)]
    assert run_command([*words, "vocab_size=300"]) == 0
    words = ["data", "build", str(corpus), "--tokenizer", str(tokenizer)]
    assert run_command([*words, "--out", str(out), "shard_tokens=4096"]) == 0
    assert "train: " in capsys.readouterr().out
    words = ["data", "doctor", str(out), "--tokenizer", str(tokenizer)]
    assert run_command([*words, "--context-length", "128"]) == 0
    assert "padding" in capsys.readouterr().out
    shard = out / "train_00000.bin"
    data = bytearray(shard.read_bytes())
    data[500] ^= 1
    shard.write_bytes(data)
    assert run_command(words) == 1
    assert "train_00000.bin" in capsys.readouterr().out


def test_two_corpora_are_compared(corpus, text, tmp_path, capsys):
    words = ["corpus", "build", str(text / "00.md"), str(text / "01.md")]
    words += ["--out", str(tmp_path / "b"), "min_corpus_bytes=1000"]
    assert run_command(words) == 0
    said = capsys.readouterr().out
    assert "report.html" in said and "near_duplicates" in said
    assert run_command(["corpus", "diff", str(corpus), str(tmp_path / "b")]) == 0
    said = capsys.readouterr().out
    assert "setting ask: True → False" in said
    assert "step written.in: 20 → 2" in said
    assert run_command(["corpus", "diff", str(corpus), str(corpus), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"] == found["steps"] == found["inputs"] == {}


def test_a_folder_without_a_corpus_is_named(tmp_path, capsys):
    assert run_command(["corpus", "stats", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_a_tokenizer_is_trained_on_a_corpus_and_shows_itself(corpus, tmp_path, capsys):
    path = tmp_path / "t.json"
    words = ["tokenizer", "train", str(corpus), "--out", str(path), "vocab_size=300"]
    assert run_command(words) == 0
    assert "300 entries" in capsys.readouterr().out
    assert run_command(["tokenizer", "inspect", str(path)]) == 0
    assert "300 entries" in capsys.readouterr().out


def test_an_unknown_setting_of_a_room_is_answered_with_the_nearest(
    corpus, tmp_path, capsys
):
    words = ["tokenizer", "train", str(corpus), "--out", str(tmp_path / "t")]
    assert run_command([*words, "vocab_siz=300"]) == 2
    assert "did you mean 'vocab_size'" in capsys.readouterr().err


def test_pairs_are_built_from_a_corpus_and_every_kind_is_counted(
    corpus, tmp_path, capsys
):
    out = tmp_path / "pairs.jsonl"
    assert run_command(["preferences", "build", str(corpus), "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert f"written to {out}" in capsys.readouterr().out
    assert all(row["chosen"] != row["rejected"] for row in rows) and rows


def test_a_plan_is_a_table_and_without_a_size_the_sizes_are_listed(capsys):
    assert run_command(["plan"]) == 0
    assert "70b" in capsys.readouterr().out.split()
    assert run_command(["plan", "7b", "gpus=8"]) == 0
    table = capsys.readouterr().out
    assert "parameters" in table and "training_time_s" in table


def test_no_runs_is_said_with_what_to_do(tmp_path, capsys):
    assert run_command(["runs", "--runs-dir", str(tmp_path)]) == 0
    assert "scratchlm run laptop" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["status", "report", "train", "chat", "generate"])
def test_a_run_that_is_not_there_is_one_line(verb, tmp_path, capsys):
    more = {"train": ["--out", str(tmp_path / "o")], "generate": ["x"]}.get(verb, [])
    words = [verb, "nothing", *more, "--runs-dir", str(tmp_path / "runs")]
    assert run_command(words) == 2
    err = capsys.readouterr().err
    assert "'nothing'" in err and err.count("\n") == 1


def test_an_empty_text_folder_ends_a_run_in_one_line(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    words = ["run", "laptop", "--text", str(tmp_path / "empty")]
    assert run_command([*words, "--runs-dir", str(tmp_path / "runs")]) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith("scratchlm: source 'text' holds nothing to read")


def test_a_mistake_in_the_settings_leaves_no_run_behind(tmp_path, capsys):
    words = ["run", "laptop", "train.total_step=3", "--runs-dir", str(tmp_path / "r")]
    assert run_command(words) == 2
    assert "did you mean 'total_steps'" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
