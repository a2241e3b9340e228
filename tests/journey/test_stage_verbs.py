"""The verbs of single stages, on a finished run."""

import json

import pytest

from scratchlm.base.atomic import read_json
from scratchlm.cli.entry import run_command


@pytest.fixture
def on_run(undisturbed, capsys):
    """Calls a verb on the finished run; returns (status, stdout, stderr)."""

    def call(*words):
        status = run_command([*words, "--runs-dir", str(undisturbed.parent)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def stages_of(run):
    return {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}


def test_a_stage_alone_changes_nothing_in_its_run(on_run, undisturbed, tmp_path):
    before, out = stages_of(undisturbed), tmp_path / "rtn"
    words = ("quantize", "undisturbed", "--out", str(out), "quantize.method=rtn")
    status, said, _ = on_run(*words)
    assert status == 0 and "rtn" in said
    assert read_json(out / "receipt.json")["method"] == "rtn"
    assert (out / "model" / "model.safetensors").is_file()
    assert stages_of(undisturbed) == before
    assert "up to date" in on_run(*words)[1]


def test_a_model_made_alone_is_taken_by_the_next_verb(on_run, tmp_path):
    tuned, exported = tmp_path / "sft", tmp_path / "export"
    status, *_ = on_run(
        "finetune", "undisturbed", "finetune.max_tokens=1000", "--out", str(tuned)
    )
    assert status == 0
    words = ["export", "undisturbed", "--model", str(tuned), "--out", str(exported)]
    assert on_run(*words, 'export.formats=["scratchlm"]')[0] == 0
    weights = "model.safetensors"
    written = (exported / "scratchlm" / weights).read_bytes()
    assert written == (tuned / "model" / weights).read_bytes()


def test_a_stage_never_writes_into_its_own_run(on_run, undisturbed):
    words = ("train", "undisturbed", "--out", str(undisturbed / "train"))
    status, _, err = on_run(*words)
    assert status == 2 and "choose another --out" in err


def test_an_evaluation_of_the_base_model_is_one_json_file(on_run, tmp_path):
    words = ("evaluate", "undisturbed", "--what", "base", "--out", str(tmp_path / "e"))
    assert on_run(*words)[0] == 0
    found = read_json(tmp_path / "e" / "evaluation.json")
    assert found["bits_per_byte"]["value"] > 0


def test_a_text_is_continued_and_the_same_seed_says_the_same(on_run):
    words = ("generate", "undisturbed", "The river", "--max-new-tokens", "8")
    sampled = (*words, "--temperature", "1", "--seed", "3")
    first, again = on_run(*sampled)[1], on_run(*sampled)[1]
    assert first == again and first.startswith("The river")
    assert on_run(*words, "--top-p", "2")[0] == 2


def test_each_line_of_the_input_is_answered(on_run, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("Who carries a lamp?\n"))
    status, said, _ = on_run("chat", "undisturbed", "--max-new-tokens", "8")
    assert status == 0 and said.endswith("\n")


def test_status_runs_and_report_agree_that_it_is_done(on_run, undisturbed):
    assert ": done," in on_run("status", "undisturbed")[1]
    assert "undisturbed" in on_run("runs")[1]
    assert on_run("report", "undisturbed")[1].strip().endswith("report.html")
    dial = json.loads((undisturbed / "dial.json").read_text())
    assert dial["calibration"] is None, "a recipe that says everything is not measured"
