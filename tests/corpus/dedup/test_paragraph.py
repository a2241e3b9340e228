import random

from scratchlm.corpus.dedup.config import ParagraphConfig
from scratchlm.corpus.dedup.paragraph import paragraph_step, split_paragraphs

CONFIG = ParagraphConfig(min_bytes=30, min_left_bytes=40)
STEP = paragraph_step(CONFIG)


def paragraphs(prose, seed, n):
    return [f"Paragraph {seed}.{i}: {prose(seed * 100 + i, 12)}" for i in range(n)]


def test_paragraphs_with_the_empty_lines_after_them_are_the_whole_text():
    for text in (b"", b"\n\n", b"a", b"a\n\nb", b"\n\n a\r\n \t\r\n\r\n  b\nc\n\n"):
        parts = [text[begin:end] for begin, end in split_paragraphs(text)]
        assert b"".join(parts) == text
    assert parts == [b"\n\n", b" a\r\n \t\r\n\r\n", b"  b\nc\n\n"]


def test_no_planted_paragraph_survives_and_every_other_one_stays(
    small_flow, document, prose
):
    draw = random.Random(1)
    own = [paragraphs(prose, seed, 6) for seed in range(60)]
    shards = [[], [], []]
    for number, mine in enumerate(own):
        planted = [draw.choice(own[draw.randrange(number)])] if number else []
        text = "\n".join([*mine[:3], *planted, *mine[3:]])
        shards[number // 20].append(document(f"d{number}", text))
    flow = small_flow(shards)
    flow.run(STEP)
    assert list(flow.texts().values()) == ["\n".join(mine) for mine in own]


def test_a_document_with_too_little_left_goes_and_gives_what_it_kept_to_the_next(
    small_flow, document
):
    long = [f"this is the long paragraph number {n} of them\n" for n in range(7)]
    shards = [
        [document("all", "\n".join(long[:4]))],
        [document("short", "\n".join([long[0], long[4]]))],
        [document("next", "\n".join(long[4:])), document("copy", long[2])],
    ]
    flow = small_flow(shards)
    decided = flow.run(paragraph_step(CONFIG.model_copy(update={"min_left_bytes": 50})))
    assert flow.texts() == {
        "all": "\n".join(long[:4]),
        "next": "\n".join(long[4:]),
    }
    assert [d.reason for some in decided for d in some] == [
        "fewer than 50 bytes left"
    ] * 2
    assert [d.of for some in decided for d in some] == ["all", "all"]


def test_what_a_document_repeats_of_itself_stays_unless_asked(small_flow, document):
    refrain = "and so they sang again and again and again\n"
    text = f"{refrain}\nfirst verse of it\n\n{refrain}\nsecond verse\n\n{refrain}"
    kept = small_flow([[document("song", text)]], name="kept")
    kept.run(STEP)
    assert kept.texts() == {"song": text}
    cut = small_flow([[document("song", text)]], name="cut")
    cut.run(paragraph_step(CONFIG.model_copy(update={"within_document": True})))
    expected = f"{refrain}\nfirst verse of it\n\nsecond verse\n\n"
    assert cut.texts() == {"song": expected}


def test_of_all_that_is_cut_a_copy_is_left_and_of_some_in_what_the_cut_names(
    small_flow, document, prose
):
    draw = random.Random(3)
    pool = [prose(seed, 9) for seed in range(25)]
    texts = ["\n".join(draw.choices(pool, k=draw.randint(1, 4))) for _ in range(120)]
    made = [document(f"d{n}", text) for n, text in enumerate(texts)]
    shards = [made[:50], made[50:70], made[70:]]
    flow = small_flow(shards)
    decided = flow.run(STEP)
    left = flow.texts()
    corpus = " | ".join(left.values())
    n_cuts = 0
    for documents, decisions in zip(shards, decided, strict=True):
        for decision in decisions:
            if decision.begin >= 0:
                data = documents[decision.row].text.encode()
                removed = data[decision.begin : decision.end]
                parts = [removed[b:e].decode() for b, e in split_paragraphs(removed)]
                assert all(part.strip() in corpus for part in parts)
                assert any(part.strip() in left[decision.of] for part in parts)
                n_cuts += 1
    assert n_cuts > 10
    assert any(not d.begin >= 0 for some in decided for d in some)


def test_the_memory_changes_no_byte_of_any_decision(small_flow, document, prose):
    draw = random.Random(5)
    pool = [prose(seed, 8) for seed in range(40)]
    texts = ["\n".join(draw.choices(pool, k=5)) for _ in range(90)]
    made = [document(f"d{n}", text) for n, text in enumerate(texts)]
    shards = [made[:40], made[40:]]
    results = [
        small_flow(shards, name=str(memory)).run(STEP, memory)
        for memory in (2_000, 20_000, 10**9)
    ]
    assert results[0] == results[1] == results[2] != [[], []]


def test_doing_it_twice_changes_nothing_more(small_flow, document, prose):
    pool = [prose(seed, 8) for seed in range(9)]
    texts = ["\n".join(random.Random(n).choices(pool, k=4)) for n in range(30)]
    made = [document(f"d{n}", text) for n, text in enumerate(texts)]
    flow = small_flow([made])
    flow.run(STEP)
    assert flow.run(STEP) == [[]]


def test_the_canaries_are_decided_about(small_flow):
    for min_bytes in (1, 30, 1000):
        step = paragraph_step(ParagraphConfig(min_bytes=min_bytes))
        flow = small_flow([list(step.canaries)], name=str(min_bytes))
        assert flow.run(step)[0]
