from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.sections import cut_sections


@settings(deadline=None, max_examples=40)
@given(st.text(alphabet="ab .\n#", max_size=400), st.integers(2, 60))
def test_sections_joined_are_the_text_and_none_is_too_long(text, n_chars):
    sections = cut_sections(text, n_chars)
    assert "".join(sections) == text
    assert all(len(section) <= n_chars * 3 // 2 for section in sections)
    assert all(len(section) >= n_chars // 2 for section in sections[:-1])


def test_cuts_fall_before_headings_else_between_paragraphs(prose):
    chapters = [f"CHAPTER {n}\n\n{prose(n, 150)}" for n in range(6)]
    sections = cut_sections("\n".join(chapters), len(chapters[0]))
    assert len(sections) > 3
    assert all(section.startswith("CHAPTER") for section in sections)
    plain = cut_sections(prose(1, 2000), 1000)
    assert all(section.endswith("\n\n") for section in plain[:-1])


def test_a_text_without_any_border_is_cut_all_the_same():
    assert cut_sections("x" * 100, 40) == ["x" * 40, "x" * 60]
