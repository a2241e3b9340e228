import pytest

from scratchlm.corpus.decontaminate.sentence import sentence_span


def cut(text, found, most=400):
    data, word = text.encode(), found.encode()
    begin = data.index(word)
    begin, end = sentence_span(data, begin, begin + len(word), most)
    return (data[:begin] + data[end:]).decode()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("One here. Now the LEAK is told. Two.", "One here. Two."),
        ("One here. LEAK. Two.", "One here. Two."),
        ("LEAK and so on! Two.", "Two."),
        ("One? And the LEAK", "One? "),
        ("He said “one.” The LEAK is “told.” Two.", "He said “one.” Two."),
        ("One.\n\nThe LEAK\n\nTwo", "One.\n\nTwo"),
        ("Version 1.2 of LEAK 3.4 is out. Two.", "Two."),
        ("一。这是LEAK吗？二。", "一。二。"),
    ],
)
def test_a_cut_takes_the_rest_of_the_sentence(text, left):
    assert cut(text, "LEAK") == left


def test_where_no_sentence_ends_a_cut_ends_at_a_blank():
    text = "word " * 500 + "LEAK" + " word" * 500
    left = cut(text, "LEAK", most=50)
    assert "LEAK" not in left
    assert 90 <= len(text) - len(left) <= 110
    assert set(left.split()) == {"word"}


def test_a_cut_never_parts_a_character():
    text = "é" * 300 + "LEAK" + "ü" * 300
    assert cut(text, "LEAK", most=51) == "é" * 300 + "ü" * 300
    data = text.encode()
    for begin in range(590, 615):
        low, high = sentence_span(data, begin, begin + 1, 7)
        (data[:low] + data[high:]).decode()


def test_a_cut_stays_within_its_limit():
    text = "a" * 1000 + " LEAK " + "b" * 1000
    assert cut(text, "LEAK", most=0) == "a" * 1000 + "  " + "b" * 1000
