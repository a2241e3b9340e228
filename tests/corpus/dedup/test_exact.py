import random

from scratchlm.corpus.dedup.config import ExactConfig
from scratchlm.corpus.dedup.exact import exact_step
from scratchlm.corpus.document import Document

STEP = exact_step(ExactConfig())


def test_a_difference_of_one_character_is_a_difference(small_flow, document):
    texts = ["text\n", "Text\n", "text", "text\r\n", " text\n"]
    flow = small_flow([[document(text, text) for text in texts]])
    assert flow.run(STEP) == [[]]


def test_no_planted_copy_survives_and_nothing_else_goes(small_flow, documents):
    originals = documents(200, 30)
    draw = random.Random(0)
    copied = draw.sample(originals, 60)
    copies = [Document(f"copy of {d.id}", d.text, "made") for d in copied]
    shards = [originals[:90], originals[90:] + copies[:5], copies[5:]]
    flow = small_flow(shards)
    decided = flow.run(STEP)
    assert flow.documents() == originals
    assert [len(decisions) for decisions in decided] == [0, 5, 55]
    rows = [(s[d.row], d) for s, ds in zip(shards, decided, strict=True) for d in ds]
    assert all(f"copy of {decision.of}" == row.id for row, decision in rows)


def test_the_source_with_the_higher_priority_keeps_its_copy(small_flow, document):
    shards = [[document("a", "same", "web")], [document("b", "same", "books")]]
    assert list(small_flow(shards, name="1").texts()) == ["a", "b"]
    for name, priorities, kept in (
        ("equal", {}, "a"),
        ("books", {"web": 0.0, "books": 1.0}, "b"),
        ("web", {"web": 0.5, "books": -1.0}, "a"),
    ):
        flow = small_flow(shards, priorities, name)
        flow.run(STEP)
        assert list(flow.texts()) == [kept]


def test_the_memory_changes_no_byte_of_any_decision(small_flow, documents):
    made = documents(400, 5)
    shards = [made[:300], [Document(f"{d.id}'", d.text, "made") for d in made[::-1]]]
    runs = [
        small_flow(shards, name=str(memory)).run(STEP, memory)
        for memory in (300, 5_000, 10**9)
    ]
    assert runs[0] == runs[1] == runs[2]
    assert len(runs[0][1]) == 300


def test_rows_that_went_before_are_neither_kept_nor_in_the_way(small_flow, document):
    shards = [[document("a", "x"), document("b", "x")], [document("c", "y")]]
    flow = small_flow([*shards, [document("d", "y"), document("e", "x")]])
    flow.run(STEP)
    assert list(flow.texts()) == ["a", "c"]
    assert flow.run(STEP) == [[], [], []]


def test_empty_shards_and_empty_texts_are_no_trouble(small_flow, document):
    flow = small_flow([[], [document("a", "")], [], [document("b", "")]])
    flow.run(STEP)
    assert list(flow.texts()) == ["a"]


def test_the_canaries_are_decided_about(small_flow):
    flow = small_flow([list(STEP.canaries)])
    assert len(flow.run(STEP)[0]) == 1
