import pytest

from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.index_build import build_index
from scratchlm.corpus.decontaminate.item_fields import Item
from scratchlm.corpus.decontaminate.judge import (
    LONG_RULE,
    SHARE_RULE,
    SHORT_RULE,
    Judge,
    decide,
)
from scratchlm.corpus.decontaminate.matching import Matches
from scratchlm.corpus.decontaminate.pieces import Piece
from scratchlm.corpus.flow.decisions import cut_text

CONFIG = DecontaminateConfig()


def judged(items, text, ignored=None, config=CONFIG):
    """(names, what was found) in one document."""
    index = build_index(items, config)
    matches = Matches(index, config)
    data = text.encode()
    matches.add([Piece(0, "d", data, 0, len(data))])
    judge = Judge(index, config, ignored or [[], [], []])
    return index.names, judge.find(list(matches.runs))


def scattered(words, n_each, prose):
    """Words in groups of n, other text between them."""
    groups = [words[at : at + n_each] for at in range(0, len(words), n_each)]
    return " ".join(f"{' '.join(g)} {prose(n, 9)}" for n, g in enumerate(groups))


@pytest.mark.parametrize(("n_words", "rules"), [(13, [LONG_RULE]), (12, [])])
def test_thirteen_words_in_a_row_are_a_find_and_twelve_are_not(
    n_words, rules, quiz, prose
):
    [item] = quiz(1, n_words=40)
    leak = " ".join(item.prompts[0].split()[10 : 10 + n_words])
    _, found = judged([item], f"{prose(1, 40)} {leak} {prose(2, 40)}")
    assert [entry.rule for entry in found] == rules


def test_half_of_the_sequences_of_eight_words_are_a_find(quiz, prose):
    [item] = quiz(1, n_words=36)
    words = item.prompts[0].rstrip("?").split()
    text = scattered(words, 12, prose)  # 15 of 29 sequences
    _, [found] = judged([item], text)
    assert found.rule == SHARE_RULE
    assert found.share == pytest.approx(15 / 29)
    assert not judged([item], scattered(words[:24], 12, prose))[1]


def test_one_sequence_of_eight_words_is_chance_even_if_it_is_all(sentence, prose):
    item = Item("t", "1", (sentence(1, 8),))
    assert not judged([item], f"{prose(1, 20)} {item.prompts[0]}")[1]
    longer = Item("t", "1", (sentence(1, 10),))
    _, [found] = judged([longer], f"{prose(1, 20)} {longer.prompts[0]}")
    assert (found.rule, found.share) == (SHARE_RULE, 1.0)


def test_a_short_question_near_its_answer_is_a_find(sentence, prose):
    item = Item("t", "1", (sentence(1, 5),), (), (sentence(2, 1),))
    text = f"{prose(1, 20)} {item.prompts[0]} {item.answers[0]}"
    _, [found] = judged([item], text)
    assert (found.rule, found.share) == (SHORT_RULE, 1.0)


def test_boilerplate_of_items_is_ignored(sentence, prose):
    common = sentence("common", 20)
    items = [Item("t", str(n), (f"{common} {sentence(n, 15)}",)) for n in range(4)]
    assert not judged(items, f"{prose(1, 40)} {common} {prose(2, 40)}")[1]
    assert len(judged(items[:3], common)[1]) == 3


def test_sequences_in_too_many_documents_are_ignored(quiz):
    [item] = quiz(1)
    index = build_index([item], CONFIG)
    everything = [range(len(index.short.hashes)), range(len(index.long.hashes)), []]
    ignored = [list(numbers) for numbers in everything]
    assert not judged([item], item.prompts[0], ignored)[1]
    judge = Judge(index, CONFIG, ignored)
    assert judge.hidden_items().tolist() == [True]


def test_a_mask_cuts_the_words_and_the_rest_of_their_sentence(quiz, prose):
    [item] = quiz(1)
    before, after = prose(1, 60), prose(2, 60)
    text = f"{before}They asked: {item.prompts[0]} {after}"
    names, found = judged([item], text)
    decisions = decide(CONFIG, "mask", names, found)
    left = cut_text(text, [(d.begin, d.end) for d in decisions])
    assert left == before + after
    assert [d.of for d in decisions] == ["quiz:0"]


def test_every_item_is_named_and_cuts_do_not_overlap(quiz, prose):
    items = quiz(3)
    leaks = " and ".join(item.prompts[0].rstrip("?") for item in items)
    text = f"{prose(1, 60)}{leaks}. {prose(2, 60)}"
    for action in ("mask", "drop", "report"):
        names, found = judged(items, text)
        decisions = decide(CONFIG, action, names, found)
        assert {d.of for d in decisions} == {f"quiz:{n}" for n in range(3)}
        assert decisions == sorted(decisions)
        assert sum(d.drops for d in decisions) == (action == "drop")
        cuts = [(d.begin, d.end) for d in decisions if not d.drops]
        left = cut_text(text, cuts)
        assert (left == text) == (action != "mask")


def test_a_document_of_which_little_would_be_left_is_dropped(quiz, prose):
    items = quiz(12)
    [single, *_] = items
    for text, config in (
        (single.prompts[0] + prose(1, 5), CONFIG),
        (
            " ".join(f"{prose(n, 40)}{i.prompts[0]}\n\n" for n, i in enumerate(items)),
            CONFIG,
        ),
    ):
        names, found = judged(items, text)
        decisions = decide(config, "mask", names, found)
        assert decisions[0].drops and not any(d.drops for d in decisions[1:])


def test_clean_text_gives_nothing(quiz, prose):
    assert judged(quiz(50), prose(1, 5000)) == (
        [("quiz", str(n)) for n in range(50)],
        [],
    )
