"""Laws of status and runs: read from what is on disk, at any moment."""

import json

import pytest

from scratchlm.base.atomic import write_json
from scratchlm.base.metrics import MetricsWriter
from scratchlm.pipeline.events import stage_done, stage_started
from scratchlm.pipeline.request import make_request, save_request
from scratchlm.pipeline.runs import summarise_runs
from scratchlm.pipeline.stages import STAGE_NAMES
from scratchlm.pipeline.status import read_status


@pytest.fixture
def run(tmp_path):
    request = make_request("laptop", {}, tmp_path)
    save_request(request)
    return request.run


def finish(run, name, summary="made"):
    stage_started(run.metrics_path, name, continues=False)
    stage_done(run.metrics_path, name, 2.0)
    marker = {"key": "k", "config": "c", "inputs": {}, "outputs": {"a": "b"}}
    run.stage(name).mkdir(exist_ok=True)
    write_json(
        run.stage(name) / "stage.json", {"stage": name, "summary": summary, **marker}
    )


def begin(run, name):
    stage_started(run.metrics_path, name, continues=False)
    run.stage(name).mkdir()
    write_json(run.stage(name) / "started.json", {"key": "k"})


def test_a_run_that_was_only_asked_for_has_everything_to_do(run):
    status = read_status(run)
    assert [stage.state for stage in status.stages] == ["to do"] * len(STAGE_NAMES)
    assert status.state == "stopped in corpus"
    assert status.advice() == "continue with: scratchlm run laptop"


def test_an_interrupted_stage_shows_its_last_step(run):
    finish(run, "corpus", "9 documents")
    begin(run, "tokenizer")
    with MetricsWriter(run.metrics_path, "tokenizer") as metrics:
        metrics.write(1200, {"train/loss": 1.0})
    corpus, tokenizer, data, *_ = read_status(run).stages
    assert corpus.cells() == ("corpus", "done", "2.0 s", "9 documents")
    assert (tokenizer.state, tokenizer.note) == ("interrupted", "step 1,200")
    assert data.state == "to do"


def test_a_run_that_a_process_works_on_is_running(run):
    begin(run, "corpus")
    with run.locked():
        status = read_status(run)
    assert status.running and status.state == "running in corpus"
    assert status.stages[0].state == "running"


def test_a_finished_run_says_how_to_talk_to_it(run):
    for name in STAGE_NAMES:
        finish(run, name)
    status = read_status(run)
    assert status.state == "done" and status.wall_s == 2.0 * len(STAGE_NAMES)
    assert status.advice() == "talk to it with: scratchlm chat laptop"
    assert "20 s of work" in status.headline()


def test_runs_are_listed_with_their_bits_per_byte_and_damaged_ones_as_such(
    run, tmp_path
):
    finish(run, "evaluate_base")
    evaluation = {"bits_per_byte": {"value": 1.5678}}
    write_json(run.stage("evaluate_base") / "evaluation.json", evaluation)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "request.json").write_text("{")
    broken, laptop = summarise_runs(tmp_path)
    assert broken.cells()[:3] == ("broken", "?", "damaged")
    assert laptop.cells() == ("laptop", "laptop", "stopped in corpus", "1.568", "2.0 s")


def test_no_runs_is_an_empty_list(tmp_path):
    assert summarise_runs(tmp_path / "nowhere") == []
    assert json.dumps(summarise_runs(tmp_path)) == "[]"
