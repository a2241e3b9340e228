"""Laws of the journey's clock: no attempt is forgotten, none is counted twice."""

from scratchlm.base.metrics import read_metrics
from scratchlm.pipeline.events import stage_done, stage_started, stage_times


def row(time_s, stage="journey", **values):
    names = {
        "name": "journey/stage",
        "event": "journey/event",
        "wall": "journey/wall_s",
    }
    return {"stage": stage, "step": 0, "time_s": time_s} | {
        names.get(key, key): value for key, value in values.items()
    }


def test_an_uninterrupted_stage_took_what_it_measured():
    rows = [
        row(100.0, name="train", event="started"),
        row(104.0, stage="train", loss=1.0),
        row(105.0, name="train", event="done", wall=4.9),
    ]
    time = stage_times(rows)["train"]
    assert (time.wall_s, time.attempts, time.done) == (4.9, 1, True)


def test_a_killed_attempt_counts_up_to_its_last_row_and_the_pause_does_not():
    rows = [
        row(100.0, name="train", event="started"),
        row(107.0, stage="train", loss=1.0),
        row(900.0, name="train", event="continued"),
        row(905.0, name="train", event="done", wall=5.0),
    ]
    time = stage_times(rows)["train"]
    assert (time.wall_s, time.attempts, time.done) == (12.0, 2, True)


def test_a_fresh_start_forgets_what_came_before():
    rows = [
        row(100.0, name="train", event="started"),
        row(107.0, stage="train", loss=1.0),
        row(200.0, name="train", event="started"),
        row(203.0, name="train", event="done", wall=3.0),
    ]
    time = stage_times(rows)["train"]
    assert (time.wall_s, time.attempts) == (3.0, 1)


def test_a_stage_under_way_is_not_done_and_shows_its_time_so_far():
    rows = [
        row(100.0, name="train", event="started"),
        row(130.0, stage="train", loss=1.0),
    ]
    time = stage_times(rows)["train"]
    assert (time.wall_s, time.done) == (30.0, False)


def test_events_go_through_the_metrics_file(tmp_path):
    path = tmp_path / "metrics.jsonl"
    stage_started(path, "corpus", continues=False)
    stage_done(path, "corpus", 1.23456)
    assert stage_times(read_metrics(path))["corpus"].wall_s == 1.235
