"""Laws of counting and training: from files or counts, the same vocabulary."""

import pytest

from scratchlm.cli.entry import run_command
from scratchlm.tokenizer import Tokenizer, WordCounts

WORDS = ["the river carries a stone", "a lamp hides in the garden", "lamps and stones"]


@pytest.fixture
def texts(tmp_path):
    """Two files of text, in a folder `both` too."""
    (tmp_path / "both").mkdir()
    for name, word in (("a", 0), ("b", 1)):
        text = "".join(f"{WORDS[word]} {WORDS[2]} {n}\n" for n in range(300))
        for folder in (tmp_path, tmp_path / "both"):
            (folder / f"{name}.txt").write_text(text)
    return tmp_path


def run(*words):
    return run_command(["tokenizer", *map(str, words)])


def test_counts_give_what_the_text_gives(texts, capsys):
    assert run("count", texts / "a.txt", "--out", texts / "a.counts") == 0
    assert "different pieces in" in capsys.readouterr().out
    made = texts / "t.json", texts / "u.json"
    assert run("train", texts / "a.txt", "--out", made[0], "vocab_size=320") == 0
    counts = ("--counts", texts / "a.counts")
    assert run("train", *counts, "--out", made[1], "vocab_size=320") == 0
    assert made[0].read_bytes() == made[1].read_bytes()


def test_counts_are_kept_for_the_next_training(texts):
    saved = ("--save-counts", texts / "c.counts")
    assert run("train", texts / "both", "--out", texts / "t.json", *saved) == 0
    total = WordCounts.load(texts / "c.counts").n_bytes
    assert total == sum(len(file.read_bytes()) for file in texts.glob("*.txt"))


def test_weights_change_what_is_learned(texts):
    for name in "ab":
        run("count", texts / f"{name}.txt", "--out", texts / f"{name}.counts")
    first = {}
    for heavy in "ab":
        counts = []
        for name in "ab":
            weight = 1000 if name == heavy else 1
            counts += ["--counts", f"{texts / name}.counts:{weight}"]
        out = texts / f"{heavy}.json"
        assert run("train", *counts, "--out", out, "vocab_size=290") == 0
        first[heavy] = Tokenizer.load(out)
    assert len(first["a"].encode(WORDS[0])) < len(first["b"].encode(WORDS[0]))
    assert len(first["b"].encode(WORDS[1])) < len(first["a"].encode(WORDS[1]))


def test_the_pattern_is_that_of_the_counts(texts):
    run("count", texts / "a.txt", "--out", texts / "a.counts", "pattern=gpt2")
    counts = ("--counts", texts / "a.counts")
    assert run("train", *counts, "--out", texts / "t.json") == 0
    assert Tokenizer.load(texts / "t.json").bpe.pattern == "gpt2"


def test_an_extended_tokenizer_keeps_its_merges_and_its_pattern(texts, capsys):
    out = texts / "old.json"
    run("train", texts / "a.txt", "--out", out, "vocab_size=290", "pattern=gpt2")
    words = ("train", texts / "b.txt", "--extend", out, "--out", texts / "new.json")
    assert run(*words, "vocab_size=330") == 0
    old, new = Tokenizer.load(out), Tokenizer.load(texts / "new.json")
    assert new.merges[: len(old.merges)] == old.merges
    assert new.bpe.pattern == "gpt2" and len(new.merges) > len(old.merges)
    capsys.readouterr()
    assert run(*words, "pattern=llama3") == 2
    assert "splits texts by gpt2" in capsys.readouterr().err


def test_counts_in_a_folder_are_no_text(texts, capsys):
    run("count", texts / "both", "--out", texts / "both" / "x.counts")
    run("count", texts / "both", "--out", texts / "y.counts")
    first, again = (texts / name for name in ("both/x.counts", "y.counts"))
    assert first.read_bytes() == again.read_bytes()
    assert run("count", first, "--out", texts / "z.counts") == 2
    assert "saved counts" in capsys.readouterr().err


def test_memory_and_threads_change_nothing(texts):
    out = texts / "one.counts", texts / "two.counts"
    assert run("count", texts / "both", "--out", out[0], "--threads", 1) == 0
    assert (
        run("count", texts / "both", "--out", out[1], "--threads", 2, "--memory", "3MB")
        == 0
    )
    assert out[0].read_bytes() == out[1].read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to count"),
        (["missing.txt"], "missing.txt does not exist"),
        (["a.txt", "vocab_siz=300"], "did you mean 'vocab_size'"),
        (["a.txt", "--memory", "much"], "no size"),
        (["--counts", "none.counts"], "none.counts"),
        (["--counts", "none.counts:much"], "no weight"),
        (["empty.txt"], "no text to learn from"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    texts, words, said, capsys, monkeypatch
):
    monkeypatch.chdir(texts)
    (texts / "empty.txt").write_text("")
    assert run("train", *words, "--out", "t.json") == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert not (texts / "t.json").exists()


def test_stopped_by_hand_nothing_is_lost_and_it_says_so(texts, capsys, monkeypatch):
    out = texts / "t.json"
    run("train", texts / "a.txt", "--out", out, "vocab_size=300")
    before = out.read_bytes()

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("scratchlm.tokenizer.sources.count_sources", stop)
        assert run("train", texts / "both", "--out", out) == 130
        assert "stopped: nothing was written" in capsys.readouterr().err
    counts = texts / "c.counts"
    with monkeypatch.context() as patched:
        patched.setattr("scratchlm.tokenizer.train.train_from_counts", stop)
        assert (
            run("train", texts / "both", "--out", out, "--save-counts", counts) == 130
        )
        assert f"go on with --counts {counts}" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert run("train", "--counts", counts, "--out", out) == 0
