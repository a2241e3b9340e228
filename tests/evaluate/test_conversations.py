import pytest

from scratchlm.evaluate.conversations import (
    Answer,
    answer_questions,
    compare_answers,
    evaluate_conversations,
    judge_answers,
    pick_examples,
    prompt_messages,
    select_questions,
)
from scratchlm.evaluate.match import token_f1

WORDS = [
    "list",
    "dict",
    "set",
    "file",
    "path",
    "node",
    "line",
    "word",
    "queue",
    "tree",
    "heap",
    "byte",
]
REFERENCES = [f"Return the {word} of an object." for word in WORDS]


def build_row(i, kind="unasked", split="test", **more):
    return {
        "id": f"{kind}/{i}",
        "kind": kind,
        "split": split,
        "form": "what",
        "reference": REFERENCES[i % len(REFERENCES)],
        "messages": [
            {"role": "user", "content": f"What is {i}?"},
            {"role": "assistant", "content": REFERENCES[i % len(REFERENCES)]},
        ],
        **more,
    }


def build_answers(texts, references=REFERENCES, kind="unasked"):
    return [
        Answer(f"{kind}/{i:03}", kind, "?", text, ref, True, token_f1(text, ref))
        for i, (text, ref) in enumerate(zip(texts, references, strict=True))
    ]


def test_a_perfect_model_beats_both_straw_men():
    judged = judge_answers(build_answers(REFERENCES), REFERENCES)["kinds"]["unasked"]
    assert judged["f1"]["value"] == 1.0 and judged["exact_frac"] == 1.0
    assert judged["over_constant"]["low"] > 0 and judged["over_shuffled"]["low"] > 0
    assert judged["over_constant"]["excludes_zero"]
    assert judged["distinct_frac"] == 1.0


def test_a_model_that_answers_every_question_alike_fails():
    judged = judge_answers(build_answers([REFERENCES[0]] * 12), REFERENCES)
    judged = judged["kinds"]["unasked"]
    assert judged["over_constant"]["value"] <= 0
    assert judged["over_shuffled"]["value"] == pytest.approx(0)
    assert not judged["over_shuffled"]["excludes_zero"]
    assert judged["distinct_frac"] == pytest.approx(1 / 12, abs=1e-6)


def test_right_answers_to_the_wrong_questions_do_not_beat_their_shuffle():
    answers = build_answers(REFERENCES[1:] + REFERENCES[:1])
    judged = judge_answers(answers, REFERENCES)["kinds"]["unasked"]
    assert judged["distinct_frac"] == 1.0
    assert not judged["over_shuffled"]["value"] > 0


def test_several_forms_of_a_question_count_as_one_piece_of_evidence():
    texts = REFERENCES[:6] + ["Return it."] * 6
    once = judge_answers(build_answers(texts), [])["kinds"]["unasked"]
    thrice = build_answers(texts * 3, REFERENCES * 3)
    again = judge_answers(thrice, [])["kinds"]["unasked"]
    assert again["n"] == 36 and again["n_references"] == 12
    for bound in ("low", "high"):
        assert again["f1"][bound] == pytest.approx(once["f1"][bound], abs=0.02)


def test_kinds_are_kept_apart_and_stand_from_easy_to_hard():
    answers = [
        *build_answers(REFERENCES, kind="heldout"),
        *build_answers(["nothing"] * 12, kind="asked"),
    ]
    kinds = judge_answers(answers, REFERENCES)["kinds"]
    assert list(kinds) == ["asked", "heldout"]
    assert kinds["asked"]["f1"]["value"] == 0 and kinds["heldout"]["f1"]["value"] == 1


def test_questions_are_test_rows_and_those_training_rows_that_are_flagged():
    rows = [
        build_row(0, "asked", "train"),
        build_row(1, "asked", "train", test_asked=True),
        build_row(2, "heldout"),
        build_row(3, "unasked"),
    ]
    chosen = [row["id"] for row in select_questions(rows, 10)]
    assert chosen == ["asked/1", "unasked/3", "heldout/2"]


def test_the_choice_of_questions_does_not_depend_on_the_order_of_the_rows():
    rows = [build_row(i) for i in range(50)]
    chosen = select_questions(rows, 20)
    assert len(chosen) == 20 and chosen == select_questions(rows[::-1], 20)
    assert all(row in select_questions(rows, 30) for row in chosen)


def test_the_model_never_sees_the_answer(tokenizer, build_random_model):
    assert prompt_messages(build_row(3)) == [{"role": "user", "content": "What is 3?"}]
    model = build_random_model(tokenizer.vocab_size, context_length=64)
    row = build_row(3)
    other = {**row, "reference": "x", "messages": [*row["messages"][:1]]}
    found, _ = answer_questions(model, tokenizer, [row, other], max_new_tokens=8)
    assert found[0].answer == found[1].answer
    assert found[0].question == "What is 3?"


def test_answers_keep_the_order_of_the_questions_whatever_the_batch(
    tokenizer, build_random_model
):
    model = build_random_model(tokenizer.vocab_size, context_length=64)
    rows = [build_row(i * 37) for i in (5, 1, 8, 3, 1000)]
    alone, _ = answer_questions(model, tokenizer, rows, 8, batch_size=1)
    batched, _ = answer_questions(model, tokenizer, rows, 8, batch_size=4)
    assert alone == batched
    assert [answer.id for answer in alone] == [row["id"] for row in rows]
    assert not any(answer.stopped for answer in alone if answer.answer == "")


def test_an_answer_that_ends_by_itself_is_told_from_one_that_is_cut(
    tokenizer, build_constant_model
):
    rows = [build_row(i) for i in range(4)]
    size = tokenizer.vocab_size
    ends = build_constant_model(size, tokenizer.end_of_turn_id, context_length=64)
    babbles = build_constant_model(size, ord("a"), context_length=64)
    quiet, _ = answer_questions(ends, tokenizer, rows, 8)
    loud, _ = answer_questions(babbles, tokenizer, rows, 8)
    assert [(a.answer, a.stopped) for a in quiet] == [("", True)] * 4
    assert [(a.answer, a.stopped) for a in loud] == [("aaaaaaaa", False)] * 4


def test_a_question_too_long_for_the_context_is_left_out_and_counted(
    tokenizer, build_constant_model
):
    model = build_constant_model(tokenizer.vocab_size, ord("a"), context_length=40)
    long = build_row(1)
    long["messages"] = [{"role": "user", "content": "why " * 200}]
    report, answers = evaluate_conversations(
        model, tokenizer, [long, build_row(2)], max_new_tokens=8
    )
    assert report["n_too_long"] == 1 and len(answers) == 1
    assert report["kinds"]["unasked"]["n"] == 1


def test_the_constant_answer_is_looked_for_among_training_answers(
    tokenizer, build_constant_model
):
    model = build_constant_model(tokenizer.vocab_size, ord("a"), context_length=64)
    training = [build_row(0, "asked", "train", reference="Return the of an object.")]
    rows = training + [build_row(i) for i in range(12)]
    report, _ = evaluate_conversations(model, tokenizer, rows, max_new_tokens=4)
    constant = report["kinds"]["unasked"]["constant"]
    assert constant["answer"] == "Return the of an object."
    assert constant["chosen_from"] == "training answers"


def test_examples_show_best_median_and_worst_once_per_reference():
    answers = build_answers(
        [" ".join(WORDS[: i % 12]) for i in range(36)], [" ".join(WORDS)] * 3 * 12
    )
    assert len(pick_examples(answers)["best"]) == 1
    answers = build_answers(
        [" ".join(reference.split()[: i % 6]) for i, reference in enumerate(REFERENCES)]
    )
    picked = pick_examples(answers, 3)
    scores = {name: [row["f1"] for row in rows] for name, rows in picked.items()}
    assert scores["best"] == sorted((round(a.f1, 6) for a in answers), reverse=True)[:3]
    assert scores["worst"] == sorted(round(a.f1, 6) for a in answers)[:3]
    assert min(scores["best"]) >= max(scores["median"]) >= max(scores["worst"])


def test_two_models_are_compared_question_by_question():
    before = build_answers(["nothing"] * 12)
    after = build_answers(REFERENCES)
    change = compare_answers(before[::-1], after)["unasked"]
    assert change.value == 1.0 and change.excludes_zero and change.n == 12
    assert compare_answers(after, after)["unasked"].value == 0
