import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.base.svg import (
    Reference,
    Row,
    Series,
    chart,
    dot_plot,
    standalone_svg,
)
from scratchlm.base.svg_parts import (
    Scale,
    format_tick,
    nice_end,
    smooth,
    thin,
    ticks,
)

STEPS = list(range(50))
LOSSES = [8.0 * 0.95**step + 1 for step in STEPS]


def draw(drawing):
    return ET.fromstring(drawing)


def texts_of(drawing):
    return [element.text for element in draw(drawing).iter("text")]


def line_chart(**options):
    series = [Series("training loss", STEPS, LOSSES)]
    return chart("Loss fell", series, x_label="step", y_label="nats", **options)


def test_a_line_carries_its_name_and_the_figure_its_title():
    drawing = line_chart()
    assert draw(drawing).get("aria-label") == "Loss fell"
    assert draw(drawing).get("role") == "img"
    assert "training loss" in texts_of(drawing)
    assert {"step", "nats"} <= set(texts_of(drawing))


def test_an_axis_starts_at_zero_unless_told_otherwise():
    assert "0" in texts_of(line_chart())
    values = [100.0 + i / 100 for i in STEPS]
    near = chart(
        "t", [Series("a", STEPS, values)], x_label="x", y_label="y", y_from_zero=False
    )
    numbers = [float(t) for t in texts_of(near) if re.fullmatch(r"[\d.]+", t)]
    assert min(n for n in numbers if n > 60) >= 99


def test_on_a_logarithmic_x_axis_each_doubling_has_the_same_length():
    sizes = [2.0**power for power in range(10, 17)]
    names = [(size, f"{int(size) >> 10} k") for size in sizes]
    drawing = draw(
        chart(
            "t",
            [Series("a", sizes, range(7))],
            x_label="x",
            y_label="y",
            x_log=True,
            x_ticks=names,
        )
    )
    points = drawing.find("polyline").get("points").split()
    xs = [float(point.split(",")[0]) for point in points]
    gaps = [b - a for a, b in pairwise(xs)]
    assert max(gaps) - min(gaps) <= 0.21 and 0 < xs[0] < xs[-1] <= 480
    assert [t.text for t in drawing.iter("text") if "k" in (t.text or "")] == [
        name for _, name in names
    ]


def test_every_point_lies_inside_the_figure():
    drawing = draw(line_chart(references=[Reference(9.7, "xz")]))
    height = float(drawing.get("viewBox").split()[3])
    points = drawing.find("polyline").get("points").split()
    assert len(points) == len(STEPS)
    for point in points:
        x, y = map(float, point.split(","))
        assert 0 <= x <= 480 and 0 <= y <= height


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_points_that_are_no_numbers_are_left_out(bad):
    losses = [*LOSSES[:-1], bad]
    drawing = draw(
        chart("t", [Series("a", STEPS, losses)], x_label="x", y_label="y", y_log=True)
    )
    assert len(drawing.find("polyline").get("points").split()) == len(STEPS) - 1


def test_without_points_the_figure_says_so():
    drawing = chart("t", [Series("a", [], [])], x_label="x", y_label="y")
    assert texts_of(drawing) == ["no points yet"]


def test_one_point_is_drawn_as_a_dot():
    drawing = chart("t", [Series("a", [3], [2.0])], x_label="x", y_label="y")
    assert draw(drawing).find("circle") is not None


def test_names_at_the_ends_of_lines_do_not_cover_each_other():
    series = [Series(name, [0, 1], [0, 1], colour=i) for i, name in enumerate("abcd")]
    drawing = draw(chart("t", series, x_label="x", y_label="y"))
    places = sorted(
        float(text.get("y")) for text in drawing.iter("text") if text.text in "abcd"
    )
    gaps = [b - a for a, b in pairwise(places)]
    assert len(gaps) == 3 and min(gaps) >= 16


def test_lines_differ_by_dashes_as_well_as_by_colour():
    series = [Series(name, [0, 1], [0, 1], colour=i) for i, name in enumerate("abc")]
    lines = draw(chart("t", series, x_label="x", y_label="y")).findall("polyline")
    assert len({line.get("stroke-dasharray") for line in lines}) == 3
    assert len({line.get("class") for line in lines}) == 3


def test_a_band_shows_the_interval_around_a_line():
    series = Series("a", [0, 1], [1, 2], lows=[0.5, 1.5], highs=[1.5, 2.5])
    drawing = draw(chart("t", [series], x_label="x", y_label="y"))
    assert len(drawing.find("polygon").get("points").split()) == 4


def test_a_row_shows_its_name_number_and_interval():
    rows = [
        Row("asked", None, heading=True),
        Row("model", 0.2, 0.15, 0.25),
        Row("constant", 0.17, colour=1),
        Row("missing", None),
    ]
    drawing = dot_plot(
        "F1", rows, x_label="token F1", references=[Reference(0.1, "chance")]
    )
    words = texts_of(drawing)
    assert {"asked", "model", "0.200", "constant", "0.170", "chance"} <= set(words)
    assert "not measured" in words and "0" in words
    whiskers = [e for e in draw(drawing).iter("line") if "whisker" in e.get("class")]
    dots = draw(drawing).findall("circle")
    assert len(dots) == 2 and len(whiskers) == 3
    ends = float(whiskers[0].get("x1")), float(whiskers[0].get("x2"))
    assert ends[0] < float(dots[0].get("cx")) < ends[1]


def test_text_from_outside_cannot_become_markup():
    evil = '<script>"&'
    drawing = chart(evil, [Series(evil, [0, 1], [0, 1])], x_label=evil, y_label=evil)
    assert draw(drawing).get("aria-label") == evil
    assert "<script" not in drawing and draw(drawing).find(".//script") is None


def test_a_drawing_alone_is_a_valid_svg_file_with_its_style():
    tree = draw(standalone_svg(line_chart(show_title=True)))
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    style = tree.find("{http://www.w3.org/2000/svg}style")
    assert "prefers-color-scheme:dark" in style.text
    words = [e.text for e in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert "Loss fell" in words


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_evenly_spaced_and_inside(low, span):
    values = ticks(low, low + span)
    slack = 1e-6 * (abs(low) + span)
    assert all(low - slack <= value <= low + span + slack for value in values)
    assert len(values) <= 6
    gaps = [b - a for a, b in pairwise(values)]
    assert all(gap == pytest.approx(gaps[0], rel=1e-3) for gap in gaps)


@given(st.floats(1e-6, 1e9))
def test_an_axis_from_zero_ends_at_a_round_number_above_the_data(high):
    end = nice_end(high)
    assert high <= end * (1 + 1e-9) and end <= 2.6 * high


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (1500, "1.5 k"),
        (2_000_000, "2 M"),
        (3e9, "3 G"),
        (2e-5, "2e-5"),
        (-0.5, "-0.5"),
    ],
)
def test_axis_numbers_are_short(value, text):
    assert format_tick(value) == text


def test_thinning_keeps_the_ends_and_every_spike():
    ys = [1.0] * 10_000
    ys[4321], ys[77] = 99.0, -5.0
    xs, thinned = thin(range(10_000), ys, 200)
    assert len(xs) <= 202 and (xs[0], xs[-1]) == (0, 9_999)
    assert 99.0 in thinned and -5.0 in thinned and xs == sorted(xs)


def test_smoothing_leaves_a_straight_line_alone_and_does_not_lag():
    line = [2.0 * i for i in range(50)]
    assert smooth(line, 5)[5:-5] == pytest.approx(line[5:-5])
    stepped = smooth([0.0] * 20 + [1.0] * 20, 5)
    assert stepped[14] == 0.0 and stepped[25] == 1.0
    assert stepped[19] == pytest.approx(1 - stepped[20])
    assert smooth([], 3) == [] and smooth([4.0], 3) == [4.0]


def test_a_logarithmic_scale_gives_each_power_the_same_length():
    scale = Scale(1, 1000, 0, 300, log=True)
    assert [scale(v) for v in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])
