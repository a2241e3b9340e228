import shutil

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.flow.executor import InProcess
from scratchlm.corpus.flow.graph import Graph
from scratchlm.corpus.flow.task import DONE, Read, Task, described, read_done

RAN = []


def letters(inputs, arguments, out, memory):
    RAN.append(arguments["text"])
    (out / "text").write_text(arguments["text"])
    (out / "length").write_text(str(len(arguments["text"])))


def join(inputs, arguments, out, memory):
    RAN.append("join")
    (out / "all").write_text(
        " ".join(inputs[name].read_text() for name in sorted(inputs))
    )


def fail(inputs, arguments, out, memory):
    (out / "half").write_text("x")
    raise UserError("no")


def tasks(texts, path="text"):
    parts = [Task(f"part/{n}", letters, {"text": text}) for n, text in texts.items()]
    reads = {n: Read(f"part/{n}", path) for n in texts}
    return [Task("join/all", join, reads=reads, alone=True), *parts]


def run(work, texts, path="text"):
    RAN.clear()
    graph = Graph(work, InProcess(), 10**8)
    graph.run(tasks(texts, path))
    return graph


def test_a_task_waits_for_what_it_reads(tmp_path):
    graph = run(tmp_path, {"a": "one", "b": "two"})
    assert (tmp_path / "join" / "all" / "all").read_text() == "one two"
    assert RAN == ["one", "two", "join"]
    assert graph.n_run == 3


def test_what_is_done_is_not_done_again(tmp_path):
    run(tmp_path, {"a": "one", "b": "two"})
    assert run(tmp_path, {"a": "one", "b": "two"}).n_run == 0
    assert RAN == []


def test_one_more_input_runs_its_own_task_and_what_reads_it(tmp_path):
    run(tmp_path, {"a": "one", "c": "three"})
    run(tmp_path, {"a": "one", "b": "two", "c": "three"})
    assert RAN == ["two", "join"]
    assert (tmp_path / "join" / "all" / "all").read_text() == "one two three"


def test_a_change_that_does_not_reach_what_a_task_reads_stops_there(tmp_path):
    run(tmp_path, {"a": "one", "b": "two"}, path="length")
    run(tmp_path, {"a": "ONE", "b": "two"}, path="length")
    assert RAN == ["ONE"]  # as long as before: the join reads nothing new


@pytest.mark.parametrize("damage", ["truncated", "missing", "no mark"])
def test_what_is_not_whole_is_made_again(tmp_path, damage):
    run(tmp_path, {"a": "one"})
    file = tmp_path / "part" / "a" / "text"
    if damage == "truncated":
        file.write_text("on")
    elif damage == "missing":
        file.unlink()
    else:
        (tmp_path / "part" / "a" / DONE).write_text('{"key": ')
    run(tmp_path, {"a": "one"})
    assert RAN == ["one"]
    assert file.read_text() == "one"


def test_a_failed_task_leaves_nothing_and_keeps_the_others(tmp_path):
    graph = Graph(tmp_path, InProcess(), 10**8)
    good = Task("some/good", letters, {"text": "x"})
    with pytest.raises(UserError, match="no"):
        graph.run([good, Task("some/bad", fail)])
    assert read_done(tmp_path / "some" / "good") is not None
    assert [path.name for path in (tmp_path / "some").iterdir()] == ["good"]


def test_what_a_build_no_longer_needs_is_deleted(tmp_path):
    run(tmp_path, {"a": "one", "b": "two"})
    run(tmp_path, {"a": "one"}).prune()
    assert sorted(path.name for path in (tmp_path / "part").iterdir()) == ["a"]
    shutil.rmtree(tmp_path / "part")
    run(tmp_path, {"a": "one"})
    assert RAN == ["one"]  # the join is whole, and its input the same as ever


def test_a_path_never_decides_a_key():
    from pathlib import Path

    with pytest.raises(TypeError):
        described({"where": Path("/x")})
