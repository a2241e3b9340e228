import io

import pytest

from scratchlm.base import progress as progress_module
from scratchlm.base.progress import SILENT, Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until somebody moves it."""
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def drawn(progress, clock, seconds, step=0.5):
    """Report progress twice a second; one unit of work each time, of a hundred."""
    for done in range(int(seconds / step)):
        progress.update(done, 100, "loss 2.5")
        clock[0] += step


def test_elsewhere_a_plain_line_comes_every_ten_seconds(clock):
    stream = io.StringIO()
    drawn(Progress("train", stream), clock, 25)
    lines = stream.getvalue().splitlines()
    assert lines == [
        "train:  20% · loss 2.5 · 40 s left",
        "train:  40% · loss 2.5 · 30 s left",
    ]


def test_on_a_terminal_one_line_is_rewritten(clock):
    stream = Terminal()
    progress = Progress("train", stream)
    drawn(progress, clock, 5)
    text = stream.getvalue()
    assert "\n" not in text
    assert text.count("\r") == 10
    assert text.split("\r")[-1] == "train:   9% · loss 2.5 · 46 s left"
    progress.clear()
    assert stream.getvalue().endswith("\r" + " " * 34 + "\r")
    before = stream.getvalue()
    progress.clear()
    assert stream.getvalue() == before, "there is nothing to wipe any more"


def test_a_terminal_is_drawn_ten_times_a_second_at_most(clock):
    stream = Terminal()
    drawn(Progress("train", stream), clock, 1, step=0.01)
    assert stream.getvalue().count("\r") <= 11


def test_a_shorter_line_wipes_the_longer_one_before_it(clock):
    stream = Terminal()
    progress = Progress("train", stream)
    progress.update(1, 100, "a long note")
    clock[0] += 1
    progress.update(1, 100)
    assert stream.getvalue().split("\r")[-1] == "train:   1%" + " " * 14


def test_a_line_fits_eighty_columns(clock):
    stream = Terminal()
    Progress("train", stream).update(1, 100, "x" * 200)
    assert len(stream.getvalue().split("\r")[-1]) == 79


def test_a_resumed_stage_counts_the_time_left_from_where_it_resumed(clock):
    stream = io.StringIO()
    progress = Progress("train", stream)
    progress.update(50, 100)
    clock[0] += 10
    progress.update(60, 100)
    assert stream.getvalue() == "train:  60% · 40 s left\n"


@pytest.mark.parametrize("make", [io.StringIO, Terminal])
def test_a_note_stays_and_stands_on_a_line_of_its_own(clock, make):
    stream = make()
    progress = Progress("train", stream)
    clock[0] += 11
    progress.update(1, 100)
    progress.note("a spike")
    assert stream.getvalue().endswith("a spike\n")
    last = stream.getvalue()[: -len("a spike\n")]
    assert last.endswith(("\n", "\r"))


def test_without_a_terminal_no_control_codes_appear(clock):
    stream = io.StringIO()
    progress = Progress("train", stream)
    drawn(progress, clock, 60)
    progress.note("done")
    progress.clear()
    assert all(c.isprintable() or c == "\n" for c in stream.getvalue())


def test_nothing_to_do_is_no_division_by_zero(clock):
    stream = Terminal()
    Progress("train", stream).update(0, 0)
    assert stream.getvalue() == "\rtrain:   0%"


def test_silence_is_silent(capsys):
    SILENT.update(1, 2, "x")
    SILENT.note("y")
    SILENT.clear()
    assert capsys.readouterr() == ("", "")


def test_what_begins_anew_has_a_rate_of_its_own(clock):
    stream = io.StringIO()
    progress = Progress("corpus", stream)
    for done in (0, 1, 2):
        progress.update(done, 2, "read")
        clock[0] += 100
    for done in (0, 10):
        progress.update(done, 100, "write")
        clock[0] += 10
    assert (
        stream.getvalue().splitlines()[-1] == "corpus:  10% · write · 1 min 30 s left"
    )


def test_who_draws_gets_the_terminal_or_nothing():
    stream = Terminal()
    assert Progress("train", stream).terminal is stream
    assert Progress("train", io.StringIO()).terminal is None
    assert SILENT.terminal is None
