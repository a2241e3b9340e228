"""Laws of the last lines: a receipt after work, a word after none."""

import json

import pytest

from scratchlm.pipeline.closing import closing_lines, draw_answers
from scratchlm.pipeline.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path):
    rows = [
        {"id": f"{kind}-{n}", "kind": kind, "question": f"q{n}?", "answer": f"a{n}"}
        for kind in ("asked", "unasked", "heldout")
        for n in range(9)
    ]
    folder = tmp_path / "mine" / "evaluate_chat"
    folder.mkdir(parents=True)
    lines = [json.dumps({**row, "reference": "long " * 99}) for row in rows]
    (folder / "answers.jsonl").write_text("\n".join(lines))
    return RunDirectory(tmp_path / "mine")


def test_three_answers_are_drawn_from_questions_never_asked(run):
    drawn = draw_answers(run)
    assert len(drawn) == 3
    assert {row["kind"] for row in drawn} <= {"unasked", "heldout"}
    assert drawn == draw_answers(run)


def test_after_work_stand_a_receipt_the_answers_and_the_line_that_opens_the_chat(run):
    lines = list(closing_lines(run, ["train"]))
    assert lines[-1] == "talk to it with: scratchlm chat mine"
    assert sum("question" in line for line in lines) >= 3
    assert any("of work" in line for line in lines)
    assert max(len(line.replace(str(run.path), "")) for line in lines[:-2]) <= 80


def test_after_no_work_there_is_only_a_word(run):
    first, *rest = closing_lines(run, [])
    assert first == "everything is up to date"
    assert len(rest) == 2


def test_without_answers_nothing_is_announced(run):
    (run.stage("evaluate_chat") / "answers.jsonl").write_text("")
    assert not any("never asked" in line for line in closing_lines(run, ["train"]))
