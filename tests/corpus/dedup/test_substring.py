import random

import pytest

from scratchlm.corpus.dedup.config import SubstringConfig
from scratchlm.corpus.dedup.substring import substring_step

CONFIG = SubstringConfig(window_words=20, min_left_bytes=60)
STEP = substring_step(CONFIG)


def words_of(texts):
    return [text.split() for text in texts]


def test_no_planted_stretch_survives_and_every_other_word_stays(
    small_flow, document, prose
):
    draw = random.Random(0)
    shards, expected = [[], [], []], []
    own = [prose(seed, 120).split() for seed in range(60)]
    for number, words in enumerate(own):
        at, text = draw.choice([0, len(words)]), " ".join(words)
        if number:
            source, length = draw.choice(own[:number]), draw.randint(20, 70)
            begin = draw.randrange(len(source) - length)
            planted = "\n".join(source[begin : begin + length])
            text = " ".join([*words[:at], planted, *words[at:]])
        shards[number // 20].append(document(f"d{number}", text))
        expected.append(words)
    flow = small_flow(shards)
    decided = flow.run(STEP)
    for left, words in zip(words_of(flow.texts().values()), expected, strict=True):
        assert left == words
    assert sum(len({d.row for d in decisions}) for decisions in decided) == 59


@pytest.mark.parametrize(("n_words", "stays"), [(19, True), (20, False)])
def test_stretches_shorter_than_the_window_stay(
    small_flow, document, prose, n_words, stays
):
    shared = " ".join(prose(1, n_words).replace(".", "").split())
    first = f"{prose(2, 40)} before {shared} after {prose(3, 40)}"
    second = f"{prose(4, 40)} elsewhere {shared} otherwise {prose(5, 40)}"
    flow = small_flow([[document("a", first), document("b", second)]])
    flow.run(STEP)
    left = flow.texts()
    assert left["a"] == first
    assert (shared in left["b"]) == stays
    assert len(left["b"].split()) == len(second.split()) - (0 if stays else n_words)


def test_a_hit_is_extended_to_the_longest_stretch_that_both_texts_have(
    small_flow, document, prose
):
    shared = prose(1, 3000).strip()
    first, second = f"One. {shared} Two.", f"Three! {shared} Four!" + prose(9, 30)
    flow = small_flow([[document("a", first)], [document("b", second)]])
    (decision,) = flow.run(STEP)[1]
    cut = second.encode()[decision.begin : decision.end].decode()
    assert cut == f"{shared} "
    assert decision.of == "a"


def test_case_and_punctuation_are_a_difference(small_flow, document, prose):
    text = prose(1, 200)
    made = [document("a", text), document("b", text.upper())]
    made.append(document("c", text.replace(" ", ", ")))
    flow = small_flow([made])
    assert flow.run(STEP) == [[]]


def test_scripts_without_blanks_are_cut_between_characters(small_flow, document):
    draw = random.Random(2)
    signs = [chr(0x4E00 + n) for n in range(2000)]
    own = ["".join(draw.choices(signs, k=80)) for _ in range(4)]
    shared = "".join(draw.choices(signs, k=45))
    texts = [f"{own[0]}{shared}{own[1]}", f"{own[2]}{shared}{own[3]}"]
    flow = small_flow([[document(f"d{n}", text) for n, text in enumerate(texts)]])
    flow.run(STEP)
    assert list(flow.texts().values()) == [texts[0], f"{own[2]}{own[3]}"]


def test_cuts_part_no_character(small_flow, document):
    draw = random.Random(3)
    letters = "äöüßéèабвгд“”„–ไทยภาษา日本語 ábc  "
    shared = "".join(draw.choices(letters, k=400))
    around = ["".join(draw.choices(letters, k=n)) for n in range(2, 30)]
    texts = [f"{some}{shared}{some[::-1]}" for some in around]
    config = CONFIG.model_copy(update={"min_left_bytes": 0})
    flow = small_flow([[document(f"d{n}", text) for n, text in enumerate(texts)]])
    decided = flow.run(substring_step(config))
    assert len(flow.texts()) == len(texts)  # read back: all of it is UTF-8
    assert len(decided[0]) >= len(texts) - 1


def test_of_what_is_cut_a_copy_is_left_and_who_had_it_is_named(
    small_flow, document, prose
):
    draw = random.Random(4)
    pool = [prose(seed, 25) for seed in range(30)]
    texts = ["".join(draw.choices(pool, k=draw.randint(1, 5))) for _ in range(80)]
    made = [document(f"d{n}", text) for n, text in enumerate(texts)]
    flow = small_flow([made[:30], made[30:]])
    decided = flow.run(STEP)
    n_cuts = 0
    left = flow.texts()
    corpus = " | ".join(" ".join(text.split()) for text in left.values())
    for documents, decisions in zip((made[:30], made[30:]), decided, strict=True):
        for decision in decisions:
            if decision.begin >= 0:
                data = documents[decision.row].text.encode()
                removed = data[decision.begin : decision.end].decode().split()
                of = next(d for d in made if d.id == decision.of)
                assert " ".join(removed[:9]) in corpus
                assert any(
                    " ".join(removed[n : n + 19]) in " ".join(of.text.split())
                    for n in range(len(removed) - 18)
                )
                assert decision.of in left
                n_cuts += 1
    assert n_cuts > 20


def test_nothing_is_lost_where_the_first_holder_goes(small_flow, document, prose):
    """What is cut from all but one document stays there, unless that goes as well."""
    whole, tail = prose(1, 60).strip(), prose(2, 25).replace("\n", " ").strip()
    short = f"{whole} {tail}"  # all but the tail repeats: under 200 bytes are left
    made = [document("a", whole), document("b", short)]
    made.append(document("c", f"{prose(3, 60)} {tail} {prose(4, 30)}"))
    config = CONFIG.model_copy(update={"min_left_bytes": 200})
    flow = small_flow([made])
    (decision,) = flow.run(substring_step(config))[0]
    assert (decision.row, decision.drops, decision.of) == (1, True, "a")
    assert tail in flow.texts()["c"]


def test_the_higher_priority_keeps_the_stretch(small_flow, document, prose):
    shared = prose(1, 50)
    texts = [f"{prose(n, 40)}{shared}{prose(n + 5, 40)}" for n in (10, 20)]
    shards = [[document("a", texts[0], "web")], [document("b", texts[1], "books")]]
    flow = small_flow(shards, {"web": 1.0, "books": 2.0})
    decided = flow.run(STEP)
    assert [len(decisions) for decisions in decided] == [1, 0]
    assert flow.texts()["b"] == texts[1]


def test_the_memory_changes_no_byte_of_any_decision(small_flow, document, prose):
    draw = random.Random(5)
    pool = [prose(seed, 25) for seed in range(40)]
    texts = ["".join(draw.choices(pool, k=4)) for _ in range(60)]
    made = [document(f"d{n}", text) for n, text in enumerate(texts)]
    results = [
        small_flow([made[:20], made[20:]], name=str(memory)).run(STEP, memory)
        for memory in (20_000, 100_000, 10**9)
    ]
    assert results[0] == results[1] == results[2] != [[], []]


def test_what_a_document_repeats_of_itself_stays(small_flow, document, prose):
    text = prose(1, 60) * 3
    flow = small_flow([[document("a", text)]])
    assert flow.run(STEP) == [[]]


def test_the_canaries_are_decided_about(small_flow):
    for n_words in (8, 50, 300):
        for left in (0, 100, 10**6):
            config = SubstringConfig(window_words=n_words, min_left_bytes=left)
            step = substring_step(config)
            flow = small_flow([list(step.canaries)], name=f"{n_words} {left}")
            assert flow.run(step)[0]
