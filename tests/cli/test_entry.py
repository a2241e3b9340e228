"""Laws of the door: light, one line for a mistake, a status that tells them apart."""

import errno
import subprocess
import sys

import pytest

from scratchlm.base.errors import UserError
from scratchlm.cli import entry
from scratchlm.cli.entry import VERBS, explain, group, run_command

HEAVY = ("torch", "numpy", "pydantic", "rich", "pyarrow", "transformers")
PROBE = """
import sys
from scratchlm.cli.entry import run_command
status = run_command(sys.argv[1:])
print("heavy:", [name for name in {heavy} if name in sys.modules])
sys.exit(status)
"""


def in_new_process(*words, heavy=HEAVY):
    code = PROBE.replace("{heavy}", repr(heavy))
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True
    )


def test_the_help_of_all_verbs_imports_nothing_heavy():
    done = in_new_process("--help")
    assert done.returncode == 0
    assert "heavy: []" in done.stdout
    assert all(f"  {verb} " in done.stdout for verb in VERBS)


@pytest.mark.parametrize(
    "words", [("plan", "7b"), ("runs",), ("run", "--help"), ("status", "nothing")]
)
def test_what_trains_nothing_imports_no_torch(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "heavy: []" in in_new_process(*words, heavy=("torch",)).stdout


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_help_of_every_verb_has_an_example(verb, capsys):
    assert run_command([verb, "--help"]) == 0
    assert f"scratchlm {verb}" in capsys.readouterr().out.split("Example")[1]


@pytest.mark.parametrize(
    "words",
    [
        ["corpus", "build"],
        ["corpus", "inspect"],
        ["corpus", "stats"],
        ["tokenizer", "train"],
        ["tokenizer", "inspect"],
        ["preferences", "build"],
    ],
)
def test_the_help_of_every_second_word_has_an_example(words, capsys):
    assert run_command([*words, "--help"]) == 0
    assert f"scratchlm {' '.join(words)}" in capsys.readouterr().out


def test_a_verb_without_a_row_in_the_table_does_not_exist():
    assert group.get_command(None, "dance") is None


def test_a_misspelt_verb_is_answered_with_the_nearest(capsys):
    assert run_command(["rum"]) == 2
    assert capsys.readouterr().err == (
        "scratchlm: there is no verb 'rum'; did you mean 'run'?\n"
    )


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UserError("give\nmore text"), 2, "scratchlm: give more text\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_mistake_is_one_line_with_its_own_status(
    error, status, said, capsys, monkeypatch
):
    monkeypatch.setattr(group, "main", failing(error))
    assert run_command(["runs"]) == status
    assert capsys.readouterr().err == said


def test_the_unforeseen_is_one_line_that_names_debug(capsys, monkeypatch):
    monkeypatch.setattr(group, "main", failing(ValueError("odd\nthing")))
    assert run_command(["runs"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "ValueError: odd thing" in err and "--debug" in err


def test_debug_shows_the_traceback_wherever_it_stands(capsys, monkeypatch):
    monkeypatch.setattr(group, "main", failing(ValueError("odd")))
    with pytest.raises(SystemExit) as caught:
        entry.main(["runs", "--debug"])
    assert caught.value.code == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_full_disk_is_a_persons_matter_and_says_that_nothing_is_lost(monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(group, "main", failing(full))
    assert run_command(["runs"]) == 2
    assert "the disk is full" in explain(full) and "nothing" in explain(full)


def test_a_missing_argument_is_a_persons_mistake(capsys):
    assert run_command(["status"]) == 2
    assert "Missing argument 'RUN'" in capsys.readouterr().err
