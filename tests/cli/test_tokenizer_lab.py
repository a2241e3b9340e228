"""Laws of report, compare and sweep: what they print, write and refuse."""

import json

import pytest

from scratchlm.cli.entry import run_command
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.table import write_documents
from scratchlm.corpus.store import write_manifest

TEXT = "the river finds a stone, number {}, and the lamp hides the stone.\n"


def run(*words):
    return run_command(["tokenizer", *map(str, words)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Rows of text, and a tokenizer trained on them."""
    folder = tmp_path_factory.mktemp("lab")
    rows = [{"text": TEXT.format(n), "lang": "en"} for n in range(60)]
    rows += [{"text": f"中文没有空格{n}", "lang": "zh"} for n in range(20)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(lines)
    for size in (300, 400):
        out = folder / f"v{size}.json"
        assert (
            run("train", folder / "rows.jsonl", "--out", out, f"vocab_size={size}") == 0
        )
    return folder


@pytest.fixture(autouse=True)
def no_stale_output(folder, capsys):
    capsys.readouterr()


def test_a_report_is_printed_and_written(folder, capsys, tmp_path):
    out = tmp_path / "report.json"
    words = ["report", folder / "v400.json", folder / "rows.jsonl", "--out", out]
    assert run(*words, "--against", folder / "v300.json") == 0
    said = capsys.readouterr().out
    assert "Report on v400" in said and max(map(len, said.splitlines()[:-1])) <= 80
    data = json.loads(out.read_text())
    assert [row["source"] for row in data["sources"]] == ["en", "zh", "all"]
    assert data["against"]["name"] == "v300"
    assert data["sources"][0]["ratio"]["value"] > 1


def test_a_runs_own_heldout_documents_are_read(folder, tmp_path, capsys):
    run_folder = tmp_path / "mine"
    (run_folder / "corpus").mkdir(parents=True)
    (run_folder / "tokenizer").mkdir()
    for split in ("train", "heldout"):
        path = run_folder / "corpus" / split / "part-00000.parquet"
        write_documents(path, [Document("a", TEXT.format(split), split)])
    write_manifest(run_folder / "corpus", {}, {})
    data = (folder / "v300.json").read_bytes()
    (run_folder / "tokenizer" / "tokenizer.json").write_bytes(data)
    assert run("report", run_folder) == 0
    said = capsys.readouterr().out
    assert "Report on mine" in said
    assert "heldout" in said and "train" not in said


def test_a_comparison_names_each_and_the_ratio(folder, capsys, tmp_path):
    out = tmp_path / "c.html"
    words = ["compare", folder / "v400.json", f"small={folder / 'v300.json'}"]
    assert run(*words, "--text", f"mine={folder / 'rows.jsonl'}", "--out", out) == 0
    said = capsys.readouterr().out
    assert "Tokenizers compared: v400, small" in said
    assert "mine" in said and "MB/s" in said
    assert out.read_text().startswith("<!doctype html>")


def test_a_sweep_measures_what_it_held_out(folder, capsys, tmp_path):
    out = tmp_path / "s.svg"
    sizes = ("--sizes", "280,300,400")
    assert run("sweep", folder / "rows.jsonl", *sizes, "--out", out) == 0
    said = capsys.readouterr().out
    assert all(f"{size}  " in said for size in (280, 300, 400))
    assert out.read_text().startswith("<svg")


def test_a_sweep_goes_from_counts_too(folder, capsys, tmp_path):
    counts = tmp_path / "x.counts"
    assert run("count", folder / "rows.jsonl", "--out", counts) == 0
    other = tmp_path / "other.txt"
    other.write_text(TEXT.format("other") * 5)
    assert run("sweep", other, "--counts", counts, "--sizes", "300") == 0
    assert "measured on 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report", "v300.json", "rows.jsonl", "--out", "x.pdf"], ".html"),
        (["report", "v300.json", "nothing"], "nothing does not exist"),
        (["compare", "v300.json", "--text", "rows.jsonl"], "two tokenizers"),
        (["compare", "v300.json", "v300.json", "--text", "rows.jsonl"], "name one"),
        (["sweep", "rows.jsonl", "--sizes", "a few"], "1024,4096"),
        (["sweep", "rows.jsonl", "--sizes", "100"], "272 or more"),
        (["sweep"], "no text file"),
    ],
)
def test_a_mistake_is_one_line(folder, words, said, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert run(*words) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "verb",
    ["train", "count", "report", "compare", "sweep", "inspect", "export", "import"],
)
def test_help_has_an_example_and_fits_the_page(verb, capsys):
    assert run(verb, "--help") == 0
    said = capsys.readouterr().out
    assert f"scratchlm tokenizer {verb}" in said.partition("Options:")[2]
    assert max(map(len, said.splitlines())) <= 80
