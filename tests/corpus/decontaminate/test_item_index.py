import numpy as np

from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.index_build import build_index
from scratchlm.corpus.decontaminate.item_fields import Item
from scratchlm.corpus.decontaminate.item_index import ItemIndex

CONFIG = DecontaminateConfig()


def asking(number, prompt, *answers):
    return Item("task", str(number), (prompt,), (), answers)


def test_sequences_that_too_many_items_share_are_boilerplate(sentence):
    common = sentence("common", 9)
    items = [asking(n, f"{common} {sentence(n, 9)}") for n in range(4)]
    index = build_index(items, CONFIG)
    assert index.short.shared.sum() == 2
    assert not build_index(items[:3], CONFIG).short.shared.any()


def test_items_with_equal_questions_count_as_one(sentence):
    prompt = sentence("same", 20)
    index = build_index([asking(n, prompt) for n in range(9)], CONFIG)
    assert not index.short.shared.any() and not index.long.shared.any()


def test_no_sequence_crosses_from_one_part_into_another(sentence):
    item = Item("t", "1", (sentence(1, 8),), (sentence(2, 9),), (sentence(3, 7),))
    index = build_index([item], CONFIG)
    assert len(index.short.hashes) == 1 + 2
    assert len(index.long.hashes) == 0


def test_an_answer_that_is_a_choice_is_one_part(sentence):
    item = Item("t", "1", (sentence(1, 8),), ("red fox", "dog"), ("red fox",))
    assert len(build_index([item], CONFIG).part_items) == 3


def test_short_questions_are_looked_for_as_a_whole(sentence):
    lengths = (3, 4, 12, 13)
    items = [asking(n, sentence(n, n), "because of it") for n in lengths]
    index = build_index(items, CONFIG)
    assert index.whole_lengths == [4, 12]
    able = dict(zip(lengths, index.is_searchable(3).tolist(), strict=True))
    assert able == {3: False, 4: True, 12: True, 13: True}


def test_a_short_question_without_an_answer_cannot_be_found(sentence):
    index = build_index([asking(1, sentence(1, 9))], CONFIG)
    assert index.is_searchable(3).tolist() == [False]
    assert index.is_searchable(2).tolist() == [True]


def test_an_index_is_read_as_it_was_written(quiz, tmp_path):
    index = build_index(quiz(20), CONFIG)
    index.save(tmp_path / "index")
    again = ItemIndex.load(tmp_path / "index")
    assert again.names == index.names
    for name in ("part_items", "part_roles", "part_edges", "wholes"):
        assert (getattr(again, name) == getattr(index, name)).all()
    for theirs, ours in ((again.short, index.short), (again.long, index.long)):
        assert (theirs.hashes == ours.hashes).all() and (theirs.at == ours.at).all()
    assert again.answers == index.answers


def test_every_sequence_leads_back_to_its_words(quiz):
    index = build_index(quiz(5), CONFIG)
    numbers = np.arange(len(index.short.hashes))
    which, places = index.short_seeds.expand(numbers)
    assert (index.short.at[places] == which).all()
    assert set(which.tolist()) == set(numbers.tolist())


def test_nothing_to_look_for_is_an_index_too():
    index = build_index([], CONFIG)
    assert not len(index.short.hashes) and not index.whole_lengths
