import re
import xml.etree.ElementTree as ElementTree

from scratchlm.base.svg_stream import WIDEST, Branch, stream_chart
from scratchlm.base.units import format_bytes

SOURCES = [("web", 300.0), ("books & more", 100.0)]


def draw(*steps, sources=SOURCES):
    return stream_chart("What flowed", sources, steps, format_bytes, gains=True)


def widths(drawing):
    """Widths of the bands by colour, in order of the steps."""
    found = re.findall(r'class="f(\d)"[^>]*?h([\d.]+)C', drawing)
    return [(int(colour), float(width)) for colour, width in found]


def test_bands_are_as_wide_as_what_flows_on():
    drawing = draw(Branch("a", (150.0, 100.0)), Branch("b", (150.0, 0.0)))
    assert widths(drawing) == [
        (0, WIDEST * 150 / 400),
        (1, WIDEST * 100 / 400),
        (0, WIDEST * 150 / 400),
    ]


def test_every_step_says_what_it_took_and_the_end_what_is_left():
    drawing = draw(Branch("exact", (150.0, 50.0)), Branch("same", (150.0, 50.0)))
    ElementTree.fromstring(drawing)
    assert "− 200 B (50.0%)" in drawing
    assert "nothing" in drawing
    assert "200 B left" in drawing
    assert "books &amp; more" in drawing


def test_what_a_step_adds_is_said():
    assert "+ 200 B" in draw(Branch("mix", (400.0, 200.0)))


def test_nothing_at_all_is_a_picture_too():
    assert "nothing flowed" in draw(sources=[("web", 0.0)])
