import random

from scratchlm.corpus.dedup_exact import remove_exact_duplicates
from scratchlm.corpus.document import Document


def test_of_equal_documents_the_smallest_id_stays_in_any_order(documents):
    originals = documents(20, 30)
    copies = [Document(f"e{d.id}", d.text, "copy") for d in originals[:7]]
    expected = [(copy.id, d.id) for copy, d in zip(copies, originals, strict=False)]
    for seed in range(3):
        shuffled = originals + copies
        random.Random(seed).shuffle(shuffled)
        assert remove_exact_duplicates(shuffled) == (originals, expected)


def test_a_difference_of_one_character_is_a_difference():
    pair = [Document("a", "text\n", ""), Document("b", "Text\n", "")]
    assert remove_exact_duplicates(pair) == (pair, [])
