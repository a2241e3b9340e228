"""Laws of the view of a run."""

import io
import math
import re

import pytest

from scratchlm.base.progress import SILENT, Progress
from scratchlm.train import view as view_module
from scratchlm.train.record import StepRecord
from scratchlm.train.view import BLOCKS, WIDTH, Trail, TrainView, sparkline

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until somebody moves it."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return now


def record(step, **changes):
    values = {"total_steps": 100, "loss": 8 / step, "grad_norm": 0.5, "lr": 0.01}
    sizes = {"tokens": 2048 * step, "step_tokens": 2048, "step_s": 0.5}
    return StepRecord(**{"step": step, **values, **sizes, **changes})


def watch(view, clock, steps, **changes):
    for step in steps:
        view.step(record(step, **changes))
        clock[0] += 1.0


def test_a_falling_loss_falls_in_the_drawing():
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1], 8) == BLOCKS[::-1]
    assert sparkline([1, 1, 1], 8) == "▁▁▁"
    assert sparkline([], 8) == ""


@pytest.mark.parametrize("count", [1, 7, 58, 59, 1000])
def test_a_drawing_is_never_wider_than_asked(count):
    line = sparkline(list(range(count)), 58)
    assert len(line) == min(58, count)
    assert list(line) == sorted(line, key=BLOCKS.index), "what rises, rises"


def test_a_trail_keeps_all_of_a_run_in_bounded_memory():
    trail = Trail(most=16)
    for value in range(1000):
        trail.add(float(value))
    assert 8 <= len(trail.values) < 16
    assert trail.values == sorted(trail.values)
    assert trail.values[0] < 64 and trail.values[-1] > 900


def test_what_is_not_finite_leaves_no_mark_in_a_trail():
    trail = Trail()
    for value in (1.0, math.nan, math.inf, 2.0):
        trail.add(value)
    assert trail.values == [1.0, 2.0]


def test_elsewhere_plain_lines_come_without_control_codes(clock):
    stream = io.StringIO()
    view = TrainView(Progress("train", stream))
    watch(view, clock, range(1, 26), mfu_frac=0.71)
    view.note("  a spike")
    view.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == (
        "train:  11% · loss 0.727 · grad 0.50 · 4.10 k tokens/s · MFU 71% · "
        "1 min 29 s left"
    )
    assert lines[-1] == "  a spike" and len(lines) == 3
    assert all(c.isprintable() or c == "\n" for c in stream.getvalue())
    assert max(map(len, lines)) <= 88


def test_on_a_terminal_the_live_view_says_all_in_eighty_columns(clock):
    stream = Terminal()
    view = TrainView(Progress("train", stream), ceiling_flops_per_s=1.18e11)
    view.write(10, {"val/bits_per_byte": 1.7621})
    watch(view, clock, range(1, 21), mfu_frac=0.71)
    shown = CODES.sub("", stream.getvalue())
    assert max(map(len, re.split(r"[\r\n]", shown))) <= 80
    for part in (
        "step 20 of 100 · 20% · 1 min 20 s left",
        "1.762 bits per byte after step 10",
        "4.10 k tokens/s · MFU 71% of the 118 G FLOP/s measured",
        "41.0 k tokens · rate 0.01",
        "█",
    ):
        assert part in shown, part
    view.close()


def test_a_closed_view_gives_the_terminal_back_and_stays_closed(clock):
    stream = Terminal()
    view = TrainView(Progress("train", stream))
    watch(view, clock, [1])
    assert "\x1b[?25l" in stream.getvalue(), "the cursor is hidden"
    view.close()
    assert stream.getvalue().count("\x1b[?25h") == 1, "and shown again"
    before = stream.getvalue()
    view.close()
    assert stream.getvalue() == before


def test_a_note_stays_and_is_no_markup(clock):
    stream = Terminal()
    view = TrainView(Progress("train", stream))
    watch(view, clock, [1])
    view.note("  see [bold]events[/bold]")
    watch(view, clock, [2])
    view.close()
    assert stream.getvalue().count("  see [bold]events[/bold]") == 1


def test_a_terminal_is_drawn_four_times_a_second_at_most(clock):
    stream = Terminal()
    view = TrainView(Progress("train", stream))
    for step in range(1, 101):
        view.step(record(step, total_steps=1000))
        clock[0] += 0.01
    assert stream.getvalue().count("speed") <= 5
    view.close()


def test_plain_lines_can_be_asked_for_on_a_terminal(clock):
    stream = Terminal()
    view = TrainView(Progress("train", stream), live=False)
    watch(view, clock, [1, 2])
    assert "\x1b" not in stream.getvalue()
    assert "loss 4.000" in stream.getvalue()


def test_a_terminal_that_cannot_redraw_gets_plain_lines(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    watch(TrainView(Progress("train", stream)), clock, [1])
    assert "\x1b" not in stream.getvalue() and "loss 8.000" in stream.getvalue()


def test_after_a_rollback_the_time_left_counts_anew(clock):
    view = TrainView(Progress("train", io.StringIO()))
    watch(view, clock, range(1, 51))
    watch(view, clock, [40])
    assert "left" not in view.frame(clock[0])[0]
    clock[0] += 9.0
    view.step(record(50))
    assert "50 s left" in view.frame(clock[0])[0], "10 steps took 10 s"


def test_a_loss_that_is_not_finite_is_no_error(clock):
    view = TrainView(Progress("train", io.StringIO()))
    view.step(record(1, loss=math.nan, grad_norm=math.inf, action="skip"))
    view.step(record(2))
    assert "4.000" in "\n".join(view.frame(clock[0]))


def test_silence_is_silent(clock, capsys):
    view = TrainView(SILENT)
    watch(view, clock, range(1, 30))
    view.note("x")
    view.close()
    assert capsys.readouterr() == ("", "")


def test_a_terminal_without_blocks_draws_other_characters():
    class Narrow(Terminal):
        encoding = "latin-1"

    assert view_module._blocks_for(Narrow()).isascii()
    assert view_module._blocks_for(Terminal()) == BLOCKS
    assert WIDTH < 80
