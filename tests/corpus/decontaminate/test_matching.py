from itertools import pairwise

import pytest

from scratchlm.corpus.decontaminate import pieces as pieces_module
from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.index_build import build_index
from scratchlm.corpus.decontaminate.item_fields import Item
from scratchlm.corpus.decontaminate.matching import Matches
from scratchlm.corpus.decontaminate.pieces import Piece, cut_pieces, shard_blocks
from scratchlm.corpus.decontaminate.runs import (
    QUESTION,
    REPLY,
    RUN,
    read_runs,
    write_runs,
)
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.rounds import Shard
from scratchlm.corpus.flow.table import write_documents

CONFIG = DecontaminateConfig()


def look(items, *texts, config=CONFIG):
    """Runs in some documents, one block."""
    matches = Matches(build_index(items, config), config)
    data = [text.encode() for text in texts]
    matches.add([Piece(n, str(n), d, 0, len(d)) for n, d in enumerate(data)])
    return matches


def test_a_run_is_as_long_as_what_is_equal_and_its_bytes_are_its_words(quiz, prose):
    [item] = quiz(1, n_words=30)
    words = item.prompts[0].split()
    leak = " ".join(words[5:25])
    text = f"Ünïcode: {prose(1, 50)}“{leak}” {prose(2, 50)}"
    [run] = look([item], "before", text).runs
    assert (run.row, run.kind, run.first, run.n_words) == (1, RUN, 5, 20)
    assert text.encode()[run.begin : run.end].decode() == leak


def test_eight_words_are_seen_and_seven_are_not(quiz, prose):
    [item] = quiz(1)
    words = item.prompts[0].split()
    for n, n_runs in ((7, 0), (8, 1)):
        text = f"{prose(1, 50)} {' '.join(words[:n])} {prose(2, 50)}"
        assert len(look([item], text).runs) == n_runs


def test_a_span_grows_over_two_differing_words_and_not_over_three(quiz, prose):
    [item] = quiz(1, n_words=30)
    words = item.prompts[0].rstrip("?").split()
    for gap, n_grown in ((2, 30), (3, 15 - 3 + 15)):
        changed = [*words[: 15 - gap], *["other"] * gap, *words[15:]]
        text = f"{prose(1, 20)} {' '.join(changed)} {prose(2, 20)}"
        runs = look([item], text).runs
        assert {run.n_words for run in runs} == {15 - gap, 15}
        grown = {len(text.encode()[r.begin : r.end].split()) for r in runs}
        assert max(grown) == (30 if gap == 2 else 15), n_grown


def test_a_sequence_does_not_cross_from_document_to_document(quiz):
    [item] = quiz(1)
    words = item.prompts[0].split()
    assert not look([item], " ".join(words[:6]), " ".join(words[6:13])).runs


@pytest.mark.parametrize(
    ("n_between", "is_found"), [(0, True), (50, True), (51, False)]
)
def test_a_short_question_needs_its_answer_within_fifty_words(
    n_between, is_found, sentence, prose
):
    item = Item("t", "1", (sentence(1, 6),), (), (sentence(2, 2),))
    between = " ".join(["so"] * n_between)
    for text in (
        f"{item.prompts[0]}? {between} {item.answers[0]}. {prose(1, 30)}",
        f"{prose(1, 30)} {item.answers[0]}: {between} {item.prompts[0]}.",
    ):
        kinds = sorted(run.kind for run in look([item], text).runs)
        assert kinds == ([QUESTION, REPLY] if is_found else [])


def test_any_choice_will_do_where_the_answer_is_not_known(sentence):
    choices = (sentence(2, 2), sentence(3, 2))
    item = Item("t", "1", (sentence(1, 6),), choices)
    text = f"{item.prompts[0]} {choices[1]}"
    assert len(look([item], text).runs) == 2
    known = Item("t", "1", item.prompts, choices, (choices[0],))
    assert not look([known], text).runs


def test_an_answer_inside_the_question_is_not_one_beside_it(sentence):
    prompt = sentence(1, 6)
    item = Item("t", "1", (prompt,), (), (prompt.split()[2],))
    assert not look([item], prompt).runs


def test_sequences_are_counted_once_a_document(quiz, prose):
    items = quiz(2)
    leak = items[0].prompts[0]
    matches = look(items, f"{leak} {leak}", prose(1, 30), leak)
    short, long, _ = matches.counts
    assert sorted(set(short.tolist())) == [0, 2]
    assert (short == 2).sum() == 30 - 7 and (long == 2).sum() == 30 - 12


def test_endless_repetition_costs_no_endless_time():
    item = Item("t", "1", ("na " * 40 + "batman " * 9,))
    matches = look([item], "na " * 60_000)
    assert 1 <= len(matches.runs) <= 64


def test_a_long_document_in_pieces_gives_what_it_gives_as_a_whole(
    quiz, prose, monkeypatch
):
    items = quiz(3)
    text = " ".join(
        [prose(1, 3000), items[0].prompts[0], prose(2, 3000), items[1].prompts[0]]
    ).encode()
    whole = look(items, text.decode())
    monkeypatch.setattr(pieces_module, "PIECE_BYTES", 5000)
    monkeypatch.setattr(pieces_module, "OVERLAP_BYTES", 1000)
    pieces = list(cut_pieces(0, "0", text))
    assert len(pieces) > 5
    assert pieces[0].begin == 0 and pieces[-1].is_last
    for before, after in pairwise(pieces):
        assert before.begin < after.begin < before.end < after.end
    cut = Matches(whole.index, CONFIG)
    for piece in pieces:
        cut.add([piece])
    assert cut.runs == whole.runs
    for ours, theirs in zip(cut.counts, whole.counts, strict=True):
        assert (ours == theirs).all()


def test_pieces_of_text_without_blanks_keep_characters_whole(monkeypatch):
    monkeypatch.setattr(pieces_module, "PIECE_BYTES", 1000)
    monkeypatch.setattr(pieces_module, "OVERLAP_BYTES", 100)
    text = ("語" * 1500).encode()
    for piece in cut_pieces(0, "x", text):
        text[piece.begin : piece.end].decode()


def test_blocks_hold_every_document_once(tmp_path, documents, monkeypatch):
    monkeypatch.setattr(pieces_module, "BLOCK_BYTES", 3000)
    found = [*documents(9, 100), Document("empty", "", "made")]
    write_documents(tmp_path / "d.parquet", found)
    blocks = list(shard_blocks(Shard(0, "made", tmp_path / "d.parquet")))
    assert len(blocks) > 2
    names = [piece.document for block in blocks for piece in block]
    assert names == [document.id for document in found]


def test_runs_are_read_as_they_were_written(quiz, tmp_path):
    items = quiz(3)
    runs = sorted(look(items, *(item.prompts[0] for item in items)).runs)
    write_runs(tmp_path / "runs.parquet", runs)
    assert read_runs(tmp_path / "runs.parquet") == runs
