from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.dedup.config import LineConfig
from scratchlm.corpus.dedup.line import line_step, split_lines

CONFIG = LineConfig(min_bytes=20, min_left_bytes=10)
STEP = line_step(CONFIG)
MENU = "Home | News | Sport | Weather | About us"


@given(st.text(alphabet="ab\r\n \u2028é", max_size=40))
def test_lines_with_their_line_feeds_are_the_whole_text(text):
    data = text.encode()
    parts = [data[begin:end] for begin, end in split_lines(data)]
    assert b"".join(parts) == data
    assert all(part.find(b"\n") in (-1, len(part) - 1) for part in parts)


def test_a_sites_menu_stays_on_its_first_page_only(small_flow, document):
    pages = [f"{MENU}\nThis is what page {n} has to say\n© us\n" for n in range(9)]
    made = [document(f"p{n}", page) for n, page in enumerate(pages)]
    flow = small_flow([made[:4], made[4:]])
    decided = flow.run(STEP)
    left = list(flow.texts().values())
    assert left[0] == pages[0]
    assert left[1:] == [page.removeprefix(f"{MENU}\n") for page in pages[1:]]
    assert {d.of for some in decided for d in some} == {"p0"}


def test_neighbouring_lines_of_one_document_are_one_cut(small_flow, document):
    lines = [f"line number {n} of a text with lines" for n in range(5)]
    first, second = "\n".join(lines), "\n".join([*lines[1:4], "and a line of its own"])
    flow = small_flow([[document("a", first), document("b", second)]])
    (decision,) = flow.run(STEP)[0]
    assert flow.texts()["b"] == "and a line of its own"
    assert (decision.row, decision.begin, decision.of) == (1, 0, "a")
    assert decision.value == round(decision.end / len(second), 6)


def test_line_ends_do_not_hide_a_copy_and_cuts_respect_characters(small_flow, document):
    first = "Überall dasselbe: größer, schöner, älter\nnur hier: ein Satz\n"
    second = "日本語\r\nÜberall dasselbe: größer, schöner, älter\r\nのテキスト\r\n"
    flow = small_flow([[document("a", first)], [document("b", second)]])
    flow.run(STEP)
    assert flow.texts() == {"a": first, "b": "日本語\r\nのテキスト\r\n"}


def test_a_document_of_repeated_lines_alone_goes(small_flow, document):
    flow = small_flow([[document("a", f"{MENU}\nText\n"), document("b", f"{MENU}\n")]])
    (decision,) = flow.run(STEP)[0]
    assert decision.drops
    assert (decision.reason, decision.of) == ("fewer than 10 bytes left", "a")
    assert list(flow.texts()) == ["a"]


def test_the_canaries_are_decided_about(small_flow):
    for min_bytes in (1, 40, 1000):
        step = line_step(LineConfig(min_bytes=min_bytes))
        flow = small_flow([list(step.canaries)], name=str(min_bytes))
        assert flow.run(step)[0]
