"""Laws of the walk: what it says, what it skips, what it forgets."""

from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.pipeline.events import stage_times
from scratchlm.pipeline.graph import Stage
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.walk import Walk, forget_rows, stage_lines


def writer(name, text, inputs=()):
    def run(context):
        parts = [(path / "out").read_text() for path in context.inputs.values()]
        (context.directory / "out").write_text("".join(parts) + text)
        with MetricsWriter(context.metrics_path, name) as metrics:
            metrics.write(1, {"loss": 1.0})
        return text

    return Stage(name, run, {"text": text}, inputs)


def walk_through(path, *stages):
    lines = []
    walk = Walk(RunDirectory(path), lines.append)
    for stage in stages:
        walk.advance(stage)
    return walk, lines


def test_a_walk_makes_each_stage_once_and_says_so(tmp_path):
    stages = (writer("a", "1"), writer("b", "2", ("a",)))
    first, lines = walk_through(tmp_path, *stages)
    assert first.made == ["a", "b"] and len(lines) == 2
    second, lines = walk_through(tmp_path, *stages)
    assert second.made == []
    assert all("up to date" in line for line in lines)
    assert (tmp_path / "b" / "out").read_text() == "12"


def test_a_change_reaches_what_depends_on_it_and_nothing_else(tmp_path):
    a, b, c = writer("a", "1"), writer("b", "2", ("a",)), writer("c", "3")
    walk_through(tmp_path, a, b, c)
    walk, lines = walk_through(tmp_path, writer("a", "9"), b, c)
    assert walk.made == ["a", "b"]
    assert "its config changed" in lines[0]
    assert any("its input a changed" in line for line in lines)


def test_a_stage_made_again_with_the_same_bytes_stops_the_change(tmp_path):
    a, b = writer("a", "1"), writer("b", "2", ("a",))
    walk_through(tmp_path, a, b)
    same = Stage("a", a.run, {"text": "1", "comment": "new"})
    walk, _ = walk_through(tmp_path, same, b)
    assert walk.made == ["a"]


def test_a_fresh_start_forgets_the_rows_of_its_earlier_life(tmp_path):
    walk_through(tmp_path, writer("a", "1"), writer("b", "2"))
    walk_through(tmp_path, writer("a", "9"), writer("b", "2"))
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert [row["stage"] for row in rows if "loss" in row] == ["b", "a"]
    times = stage_times(rows)
    assert times["a"].attempts == 1 and times["a"].done


def test_a_line_of_the_journey_fits_a_page_and_loses_no_word():
    note = " ".join(f"word{n}" for n in range(40))
    lines = stage_lines("evaluate_base", "4 min 10 s", note)
    assert max(map(len, lines)) <= 80 and len(lines) > 1
    assert " ".join(" ".join(lines).split()).endswith(note)
    assert lines[0].startswith("evaluate_base  4 min 10 s  word0")


def test_forgetting_leaves_the_rows_of_other_stages(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for stage in ("a", "b"):
        with MetricsWriter(path, stage) as metrics:
            metrics.write(0, {"x": 1})
    forget_rows(path, "a")
    forget_rows(tmp_path / "missing.jsonl", "a")
    assert [row["stage"] for row in read_metrics(path)] == ["b"]
    assert not (tmp_path / "missing.jsonl").exists()
