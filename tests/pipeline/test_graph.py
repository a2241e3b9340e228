"""Laws of the stage graph: what is up to date stays, and no kill hurts."""

import itertools
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes
from scratchlm.pipeline import graph
from scratchlm.pipeline.graph import (
    Context,
    Stage,
    judge_stage,
    run_stage,
    settle_changes,
)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def stage_writing(text, *, config=None, resumes=False, name="work", inputs=()):
    def run(context):
        (context.directory / "out.txt").write_text(text)
        return f"wrote {len(text)} characters"

    return Stage(name, run, config or {"text": text}, inputs, resumes=resumes)


def walk(stage, directory, upstream=None):
    upstream = upstream or {}
    verdict = judge_stage(stage, directory, upstream)
    if verdict.up_to_date:
        return verdict, verdict.marker
    context = Context(directory, {}, directory.parent / "metrics.jsonl")
    verdict = settle_changes(stage, context, verdict)
    return verdict, run_stage(stage, context, verdict, upstream)


def test_a_stage_that_ended_is_up_to_date_and_keeps_its_summary(tmp_path):
    stage = stage_writing("hello")
    first, made = walk(stage, tmp_path / "work")
    second, found = walk(stage, tmp_path / "work")
    assert not first.up_to_date and second.up_to_date
    assert found == made and found.summary == "wrote 5 characters"
    assert found.outputs == {"out.txt": sha256_bytes(b"hello")}


def test_a_changed_config_runs_the_stage_again_in_an_empty_directory(tmp_path):
    walk(stage_writing("one"), tmp_path / "work")
    (tmp_path / "work" / "litter").write_text("from before")
    verdict, marker = walk(stage_writing("two"), tmp_path / "work")
    assert verdict.reason == "its config changed"
    assert list(marker.outputs) == ["out.txt"]
    assert not (tmp_path / "work" / "litter").exists()


def test_a_changed_input_is_named_in_the_reason(tmp_path):
    stage = stage_writing("x", inputs=("corpus", "tokenizer"))
    walk(stage, tmp_path / "work", {"corpus": "a", "tokenizer": "b"})
    verdict = judge_stage(stage, tmp_path / "work", {"corpus": "a", "tokenizer": "c"})
    assert not verdict.up_to_date
    assert verdict.reason == "its input tokenizer changed"


def test_an_input_made_again_with_the_same_bytes_changes_nothing(tmp_path):
    _, before = walk(stage_writing("same", config={"v": 1}), tmp_path / "work")
    _, after = walk(stage_writing("same", config={"v": 2}), tmp_path / "work")
    assert before.key != after.key
    assert before.outputs_hash == after.outputs_hash


@pytest.mark.parametrize("damage", ["delete", "edit"])
def test_a_damaged_output_is_noticed_and_made_again(tmp_path, damage):
    stage = stage_writing("precious")
    walk(stage, tmp_path / "work")
    path = tmp_path / "work" / "out.txt"
    path.unlink() if damage == "delete" else path.write_text("precioux")
    verdict, _ = walk(stage, tmp_path / "work")
    assert verdict.reason == "out.txt is missing or was changed"
    assert path.read_text() == "precious"


@given(st.text(alphabet='ab{}[]":, ', max_size=40))
def test_no_content_of_the_marker_file_passes_for_a_finished_stage(tmp_path_factory, t):
    directory = tmp_path_factory.mktemp("stage")
    (directory / graph.DONE).write_text(t)
    assert not judge_stage(stage_writing("x"), directory, {}).up_to_date


def test_another_version_of_the_code_makes_another_key(monkeypatch):
    stage = stage_writing("x")
    before = graph.stage_key(stage, {})
    monkeypatch.setattr(graph, "__version__", "0.0.0-other")
    assert graph.stage_key(stage, {}) != before


def counting_stage(steps, kill_at=None):
    """A stage that counts to `steps` in a file and may be killed on the way."""

    def run(context):
        path = context.directory / "count"
        done = int(path.read_text()) if path.exists() else 0
        seen.append(done)
        for step in range(done, steps):
            if step == kill_at:
                raise Killed
            path.write_text(str(step + 1))
        return "counted"

    seen = []
    return Stage("work", run, {"steps": steps}, resumes=True), seen


def test_an_interrupted_stage_continues_where_it_stood(tmp_path):
    killed, _ = counting_stage(10, kill_at=6)
    with pytest.raises(Killed):
        walk(killed, tmp_path / "work")
    again, seen = counting_stage(10)
    verdict, _ = walk(again, tmp_path / "work")
    assert verdict.reason == "interrupted, continues"
    assert seen == [6]


def test_an_interrupted_stage_with_another_config_starts_in_an_empty_directory(
    tmp_path,
):
    killed, _ = counting_stage(10, kill_at=6)
    with pytest.raises(Killed):
        walk(killed, tmp_path / "work")
    other, seen = counting_stage(11)
    verdict, _ = walk(other, tmp_path / "work")
    assert verdict.reason == "interrupted, and its inputs or config changed"
    assert seen == [0]


def interrupted_at_a_checkpoint(directory, steps=10):
    """A stage that dies after its checkpoint; its directory holds step 6."""

    def run(context):
        write_checkpoint(context.directory)
        raise Killed

    (directory / "work").mkdir()
    (directory / "work" / "run.lock").write_text("")
    with pytest.raises(Killed):
        walk(Stage("work", run, {"steps": steps}, resumes=True), directory / "work")


def write_checkpoint(directory):
    (directory / "checkpoints" / "step_000006").mkdir(parents=True)
    (directory / "count").write_text("6")


def settle(stage, directory, on_change):
    verdict = judge_stage(stage, directory, {})
    lines = []
    progress = SimpleNamespace(note=lines.append)
    context = Context(directory, {}, directory / "m", progress, on_change)
    return settle_changes(stage, context, verdict), lines


def test_checkpoints_under_other_conditions_are_refused_and_stay(tmp_path):
    interrupted_at_a_checkpoint(tmp_path)
    other, _ = counting_stage(11)
    said = r"stage work, which stands at step 6, .* steps 10 → 11; .*--accept-changes"
    with pytest.raises(UserError, match=said):
        settle(other, tmp_path / "work", "refuse")
    again, seen = counting_stage(10)
    walk(again, tmp_path / "work")
    assert seen == [6], "as if nobody had asked"


def test_checkpoints_whose_conditions_were_accepted_are_continued(tmp_path):
    interrupted_at_a_checkpoint(tmp_path)
    other, seen = counting_stage(11)
    verdict, lines = settle(other, tmp_path / "work", "accept")
    assert len(lines) == 1 and "no longer promised" in lines[0]
    context = Context(tmp_path / "work", {}, tmp_path / "m")
    run_stage(other, context, verdict, {})
    assert seen == [6]


@pytest.mark.parametrize("steps", [10, 11])
def test_a_restart_gives_checkpoints_up_changed_or_not(tmp_path, steps):
    interrupted_at_a_checkpoint(tmp_path)
    stage, seen = counting_stage(steps)
    verdict, _ = settle(stage, tmp_path / "work", "restart")
    context = Context(tmp_path / "work", {}, tmp_path / "m")
    run_stage(stage, context, verdict, {})
    assert seen == [0]
    assert not (tmp_path / "work" / "checkpoints").exists()
    assert (tmp_path / "work" / "run.lock").exists(), "it may be held"


def test_another_version_of_the_code_is_a_changed_condition(tmp_path, monkeypatch):
    interrupted_at_a_checkpoint(tmp_path)
    monkeypatch.setattr(graph, "__version__", "0.0.0-other")
    with pytest.raises(UserError, match=r"packages\.scratchlm .* → 0\.0\.0-other"):
        settle(counting_stage(10)[0], tmp_path / "work", "refuse")


def test_what_an_older_version_began_is_refused_too(tmp_path):
    """It wrote no conditions down."""
    interrupted_at_a_checkpoint(tmp_path)
    (tmp_path / "work" / graph.STARTED).write_text('{"key": "of before"}')
    with pytest.raises(UserError, match="steps absent → 10"):
        settle(counting_stage(10)[0], tmp_path / "work", "refuse")


def test_a_lock_is_no_output(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "run.lock").write_text("")
    _, marker = walk(stage_writing("x"), tmp_path / "work")
    assert list(marker.outputs) == ["out.txt"]


def test_an_interrupted_stage_that_cannot_resume_starts_in_an_empty_directory(tmp_path):
    def half(context):
        (context.directory / "half.bin").write_text("half")
        raise Killed

    with pytest.raises(Killed):
        walk(Stage("work", half, {"text": "x"}), tmp_path / "work")
    _, marker = walk(stage_writing("x"), tmp_path / "work")
    assert list(marker.outputs) == ["out.txt"]


def test_a_kill_at_any_write_leaves_a_stage_that_ends_the_same(tmp_path, monkeypatch):
    """Every file operation of the graph is tried as the last one of the process."""
    _, wanted = walk(counting_stage(3)[0], tmp_path / "undisturbed")
    for last in itertools.count():
        directory = tmp_path / f"killed-{last}"
        survived = kill_before_write(directory, last, monkeypatch)
        _, marker = walk(counting_stage(3)[0], directory)
        assert marker == wanted
        assert not (directory / graph.STARTED).exists()
        if survived:
            break
    assert last >= 2  # there were several places to be killed at


def kill_before_write(directory, last, monkeypatch):
    """Run the stage; die before write number `last`. True if there were fewer."""
    written = itertools.count()
    write_json = graph.write_json

    def dying(path, value):
        if next(written) == last:
            raise Killed
        write_json(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(graph, "write_json", dying)
        try:
            walk(counting_stage(3)[0], directory)
        except Killed:
            return False
    return True


def test_a_half_emptied_directory_is_never_continued(tmp_path):
    """Going back to an old config after a kill during the emptying starts anew."""
    killed, _ = counting_stage(10, kill_at=6)
    with pytest.raises(Killed):
        walk(killed, tmp_path / "work")
    verdict = judge_stage(counting_stage(11)[0], tmp_path / "work", {})
    with pytest.MonkeyPatch.context() as patch:

        def die(path):
            raise Killed

        patch.setattr(graph, "_delete", die)
        with pytest.raises(Killed):
            graph.prepare_directory(tmp_path / "work", verdict)
    old, seen = counting_stage(10)
    walk(old, tmp_path / "work")
    assert seen == [0]


def test_the_marker_holds_no_time_and_no_absolute_path(tmp_path):
    walk(stage_writing("x"), tmp_path / "work")
    text = (tmp_path / "work" / graph.DONE).read_text()
    assert str(tmp_path) not in text
    assert set(json.loads(text)) == {
        "stage",
        "key",
        "config",
        "inputs",
        "outputs",
        "summary",
    }
