import pytest

from scratchlm.corpus import likeness
from scratchlm.corpus.likeness import containments


def test_containment_is_the_largest_share_found_in_one_other_text(prose):
    a, b = prose(1, 205), prose(2, 405)
    part = " ".join(a.split()[:105])
    texts = [a, b, f"{part} {b}", prose(3, 100)]
    shares = containments(texts, [0, 1, 3])
    assert shares[0] == pytest.approx(101 / 201)
    assert shares[1] == 1.0
    assert shares[2] == 0.0


def test_a_text_is_not_alike_because_it_stands_in_itself_or_has_no_words(prose):
    assert containments([prose(1, 50), "...", ""], [0, 1, 2]) == [0.0, 0.0, 0.0]


def test_halves_found_in_two_texts_are_not_added_up(prose):
    words = prose(1, 204).split()
    texts = [" ".join(words), " ".join(words[:104]), " ".join(words[100:])]
    assert containments(texts, [0]) == [0.5]


def test_boilerplate_counts_as_shared_and_never_hides_likeness(prose, monkeypatch):
    monkeypatch.setattr(likeness, "MOST_OWNERS", 3)
    notice = prose(1, 100)
    texts = [notice + prose(seed, 50) for seed in range(2, 12)]
    exact = [96 / 146] * 10
    bound = containments(texts, list(range(10)))
    assert all(b >= e - 1e-9 for b, e in zip(bound, exact, strict=True))
