import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.dedup.near import find_near_duplicates
from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.shingles import jaccard, unique_shingles
from scratchlm.corpus.document import Document


@dataclass(frozen=True)
class Removed:
    removed: str
    kept: str
    jaccard: float


def remove_near_duplicates(documents, threshold):
    """What stays, and what went, by id; by Jaccard similarity alone."""
    config = NearConfig(threshold=threshold, containment=None)
    names = [document.id for document in documents]
    pairs = find_near_duplicates([d.text for d in documents], config, names)
    gone = {pair.removed for pair in pairs}
    removed = [Removed(names[p.removed], names[p.kept], p.jaccard) for p in pairs]
    kept = [document for n, document in enumerate(documents) if n not in gone]
    return kept, sorted(removed, key=lambda pair: pair.removed)


def insert_block(text: str, frac: float, other: str) -> str:
    """Insert a block of `frac` times the length: Jaccard 1 / (1 + frac)."""
    middle, length = text.index(" ", len(text) // 2), int(len(text) * frac)
    return text[:middle] + " " + other[:length] + text[middle:]


def likeness(left: Document, right: Document) -> float:
    a, b = unique_shingles([left.text, right.text])
    return jaccard(a, b)


def test_every_planted_near_duplicate_goes_and_every_unique_document_stays(
    documents, prose
):
    originals = documents(60, 400)
    copies = [
        Document(f"x{d.id}", insert_block(d.text, 0.1, prose(999, 400)), "copy")
        for d in originals[:40]
    ]
    kept, removed = remove_near_duplicates(originals + copies, 0.8)
    assert [pair.removed for pair in removed] == [d.id for d in originals[:40]]
    assert [pair.kept for pair in removed] == [d.id for d in copies]
    assert {d.id for d in kept} == {d.id for d in originals[40:] + copies}
    assert all(0.85 < pair.jaccard < 0.95 for pair in removed)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=40), max_size=30))
def test_a_removed_document_was_verified_against_a_kept_one(letters):
    by_id = {
        f"{i:02d}": Document(f"{i:02d}", " ".join(words), "")
        for i, words in enumerate(letters)
    }
    kept, removed = remove_near_duplicates(list(by_id.values()), 0.7)
    assert len(kept) + len(removed) == len(by_id)
    stays = {d.id for d in kept}
    for pair in removed:
        assert pair.kept in stays
        true = likeness(by_id[pair.removed], by_id[pair.kept])
        assert pair.jaccard == true >= 0.7


def test_the_order_of_the_input_changes_nothing_and_twice_is_once(documents, prose):
    everything = documents(30, 200)
    for level, frac in enumerate((0.02, 0.1, 0.3)):
        everything += [
            Document(f"l{level}{d.id}", insert_block(d.text, frac, prose(77, 300)), "c")
            for d in everything[:10]
        ]
    first = remove_near_duplicates(everything, 0.8)
    assert first[1]
    for seed in range(3):
        shuffled = random.Random(seed).sample(everything, len(everything))
        kept, removed = remove_near_duplicates(shuffled, 0.8)
        assert sorted(kept, key=lambda d: d.id) == sorted(first[0], key=lambda d: d.id)
        assert removed == first[1]
    assert remove_near_duplicates(first[0], 0.8) == (first[0], [])


def test_one_giant_document_that_quotes_all_others_removes_none(documents):
    quoted = documents(20, 300)
    giant = Document("giant", "\n".join(d.text for d in quoted), "")
    assert remove_near_duplicates([*quoted, giant], 0.8) == ([*quoted, giant], [])


def test_documents_without_words_resemble_nothing():
    blank = [Document(str(i), "... !\n" * i, "") for i in range(5)]
    assert remove_near_duplicates(blank, 0.8) == (blank, [])
    assert remove_near_duplicates([], 0.8) == ([], [])


def test_short_documents_of_the_same_words_are_near_duplicates():
    pair = [Document("a", "Yes, we can.", ""), Document("b", "yes we can", "")]
    kept, removed = remove_near_duplicates(pair, 0.8)
    assert [d.id for d in kept] == ["a"]
    assert removed[0].jaccard == 1.0


def test_a_crowd_that_shares_a_template_keeps_its_limits(prose):
    """Past the limits a duplicate may stay, but nothing goes unverified."""
    form = prose(1, 150)
    crowd = [form + prose(i + 2, 60) for i in range(60)]
    limited = NearConfig(threshold=0.9, max_leaders=3, max_comparisons=1)
    found = find_near_duplicates([*crowd, crowd[7] + "one more word"], limited)
    assert [(pair.removed, pair.kept) for pair in found] == [(7, 60)]


def test_a_text_that_stands_in_a_longer_one_goes_whatever_its_jaccard(prose):
    part, whole = prose(1, 300), prose(1, 300) + prose(2, 200)
    (pair,) = find_near_duplicates([part, whole])
    assert (pair.removed, pair.kept) == (0, 1)
    assert pair.jaccard < 0.65 < 0.98 < pair.containment
    assert find_near_duplicates([part, whole], NearConfig(containment=None)) == []


def test_the_same_content_stays_whatever_the_documents_are_called(prose):
    text = prose(3, 200)
    texts = [text + "ends one way", text + "ends two way", text + "ends six way"]
    kept = set()
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        found = find_near_duplicates([texts[i] for i in order], names=["a", "b", "c"])
        assert len(found) == 2
        kept |= {order[pair.kept] for pair in found}
    assert len(kept) == 1


def test_texts_that_are_too_long_stay_without_a_look(prose):
    pair = [prose(1, 300), prose(1, 300) + "more"]
    assert len(find_near_duplicates(pair)) == 1
    assert find_near_duplicates(pair, NearConfig(max_document_bytes=1000)) == []


def test_lone_surrogates_are_words_like_any_other(prose):
    pair = [prose(1, 50) + "\ud800", prose(1, 50) + "\ud800 x"]
    assert len(find_near_duplicates(pair)) == 1
