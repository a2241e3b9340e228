import random
from collections.abc import Callable

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.dedup.shingles import jaccard, unique_shingles
from scratchlm.corpus.document import Document
from scratchlm.corpus.likeness import containments
from scratchlm.corpus.split import split_documents

FILES = CorpusConfig(source="files")


def total(documents: list[Document]) -> int:
    return sum(document.n_bytes for document in documents)


def module(number: int, prose: Callable[[int, int], str]) -> Document:
    """A module of ten functions that share no sentence with those of another."""
    code = ""
    for n in range(10):
        words = prose(number * 10 + n, 12).replace(".", "").strip()
        code += f'def f{n}(x):\n    """Compute {words}."""\n    return {words[:6]}\n\n'
    return Document(f"m{number:03d}", code, "stdlib", {"module": f"m{number:03d}"})


def test_whole_documents_are_held_out_and_none_is_lost(documents):
    everything = documents(120, 100)
    split = split_documents(FILES, everything)
    assert sorted(split.train + split.heldout, key=lambda d: d.id) == everything
    assert 0.05 <= total(split.heldout) / total(everything) <= 0.08


def test_the_choice_depends_on_the_seed_and_the_names_alone(documents):
    everything = documents(80, 100)
    first = split_documents(FILES, everything)
    for seed in range(3):
        shuffled = random.Random(seed).sample(everything, len(everything))
        assert split_documents(FILES, shuffled) == first
    other = split_documents(FILES.model_copy(update={"seed": 1}), everything)
    assert other.heldout != first.heldout
    longer = [Document(d.id, d.text + "more", d.source) for d in everything]
    held = {d.id for d in split_documents(FILES, longer).heldout}
    assert held == {d.id for d in first.heldout}


def test_a_held_out_document_never_resembles_one_of_training(documents, prose):
    everything = documents(100, 100)
    for n in range(60):  # most documents have a twin that is half like them
        half = everything[n].text[: len(everything[n].text) * 2 // 3]
        everything.append(Document(f"t{n:03d}", half + prose(n + 500, 20), "twin"))
    split = split_documents(FILES, everything)
    assert split.notes["split_threshold"] == 0.5
    assert split.notes["passed_over_as_alike"] > 0
    held = list(unique_shingles([d.text for d in split.heldout]))
    for known in unique_shingles([d.text for d in split.train]):
        assert all(jaccard(known, other) < 0.5 for other in held)
    texts = [d.text for d in split.train + split.heldout]
    chosen = range(len(split.train), len(texts))
    assert max(containments(texts, list(chosen))) < 0.5


def test_where_everything_is_alike_the_rule_is_relaxed_and_the_receipt_says_so(prose):
    form = prose(0, 300)
    crowd = [Document(f"{n:03d}", form + prose(n + 1, 120), "") for n in range(60)]
    split = split_documents(FILES, crowd)
    assert split.heldout
    assert split.notes["split_threshold"] > 0.5


def test_a_single_book_is_cut_into_sections_and_put_together_again(prose):
    book = Document("book.txt", prose(1, 20_000), "book.txt", {"kind": "text"})
    split = split_documents(FILES, [book])
    assert 0.04 < total(split.heldout) / book.n_bytes < 0.08
    assert len(split.heldout) >= 4
    parts = sorted(split.train + split.heldout, key=lambda d: d.metadata["section"])
    assert "".join(part.text for part in parts) == book.text
    assert all(part.id.startswith("book.txt#") for part in parts)
    assert len(split.train) <= len(split.heldout) + 1
    again = split_documents(FILES, [book])
    assert again == split


def test_a_few_books_and_many_notes_are_split_without_cutting_the_books(
    documents, prose
):
    book = Document("book", prose(7, 3000), "")
    split = split_documents(FILES, [book, *documents(200, 60)])
    assert book in split.train


def test_one_huge_book_among_tiny_notes_is_cut(documents, prose):
    book = Document("book", prose(7, 20_000), "")
    split = split_documents(FILES, [book, *documents(25, 10)])
    assert 0.025 < total(split.heldout) / total([*split.train, *split.heldout]) < 0.08


def test_modules_are_held_out_until_there_are_functions_enough_topics_never(
    prose,
):
    modules = [module(n, prose) for n in range(100)]
    modules += [Document(f"topic:{n}", "prose " * 50, "topics") for n in range(30)]
    few = CorpusConfig(min_heldout_functions=0)
    many = CorpusConfig(min_heldout_functions=70)
    split_few, split_many = (split_documents(c, modules) for c in (few, many))
    assert "heldout_functions" not in split_few.notes
    assert split_many.notes["heldout_functions"] >= 70
    assert total(split_few.heldout) < total(split_many.heldout) <= total(modules) * 0.08
    assert all("module" in d.metadata for d in split_many.heldout)


def test_the_standard_library_stops_at_its_ceiling(prose):
    modules = [module(n, prose) for n in range(100)]
    split = split_documents(CorpusConfig(min_heldout_functions=9999), modules)
    assert 0.07 < total(split.heldout) / total(modules) <= 0.08


def test_text_of_which_nothing_can_be_held_out_is_refused():
    pair = [Document("a", "one two three four five", ""), Document("b", "six", "")]
    with pytest.raises(UserError, match="nothing of the text can be held out"):
        split_documents(FILES, pair)
