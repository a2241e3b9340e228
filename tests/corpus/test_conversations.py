"""Conversations from the standard library and from own text: kinds without leaks."""

import hashlib
import inspect
import json
import random
import subprocess
import sys
from collections import Counter
from importlib import import_module

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.chat_items import answer_key
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.conversations import MAX_REPEATS, build_chat_rows, select_items
from scratchlm.corpus.document import Document
from scratchlm.corpus.near_answers import AnswerIndex
from scratchlm.corpus.passages import passage_items
from scratchlm.corpus.questions import FORMS

TRAIN = (  # noqa: SIM905
    "bdb calendar configparser fractions json.encoder logging mailbox shutil ssl "
    "statistics tarfile textwrap threading"
).split()
HELDOUT = ["difflib", "inspect", "smtplib", "queue"]


def module(name):
    source = inspect.getsource(import_module(name))
    return Document(name, source, "stdlib", {"module": name})


@pytest.fixture(scope="module")
def documents():
    topic = Document("topic:for", "The for statement.", "topics", {"topic": "for"})
    return [*map(module, TRAIN), topic], [*map(module, HELDOUT)]


@pytest.fixture(scope="module")
def built(documents):
    return build_chat_rows(CorpusConfig(), *documents)


def of_kind(built, kind):
    return [row for row in built.conversations if row["kind"] == kind]


def test_each_kind_asks_about_its_own_side_of_the_split(built):
    for row in built.conversations:
        name = row["about"]
        heldout = any(name == m or name.startswith(f"{m}.") for m in HELDOUT)
        assert heldout == (row["kind"] == "heldout")
        assert row["split"] == ("train" if row["kind"] == "asked" else "test")


def test_a_conversation_is_a_question_and_its_true_answer(built):
    for row in built.conversations:
        user, assistant = row["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        assert assistant["content"] == row["reference"]
        assert row["about"].rsplit(".", 1)[-1] in user["content"]


def test_no_tested_answer_is_the_answer_of_another_kind(built):
    keys = {
        kind: {answer_key(row["reference"]) for row in of_kind(built, kind)}
        for kind in ("asked", "unasked", "heldout")
    }
    assert all(keys.values())
    assert not keys["asked"] & keys["unasked"]
    assert not keys["heldout"] & (keys["asked"] | keys["unasked"])


def test_no_tested_answer_is_nearly_one_that_was_trained_on(built):
    trained = AnswerIndex([row["reference"] for row in of_kind(built, "asked")])
    assert built.notes["tested_words_in_common_below"] == trained.near < 1
    for kind in ("unasked", "heldout"):
        assert not any(trained.has_near(r["reference"]) for r in of_kind(built, kind))


def test_no_answer_or_question_of_a_test_pair_was_trained_on(built):
    trained = {row["reference"] for row in of_kind(built, "asked")}
    trained |= {r["chosen"] for r in built.preferences if r["split"] == "train"}
    test = [row for row in built.preferences if row["split"] == "test"]
    assert {row["kind"] for row in test} == {"hard", "truncated", "off_topic"}
    for row in test:
        assert row["about_kind"] in ("unasked", "heldout")
        assert not {row["chosen"], row["rejected"]} & trained


def test_each_object_is_asked_about_once_before_any_is_twice(built):
    asked = Counter(row["about"] for row in of_kind(built, "asked"))
    forms = {(row["about"], row["form"]) for row in of_kind(built, "asked")}
    assert set(asked.values()) == {2}
    assert len(forms) == asked.total()
    for kind in ("unasked", "heldout"):
        assert set(Counter(r["about"] for r in of_kind(built, kind)).values()) == {1}


def test_all_kinds_ask_in_the_same_forms_about_equally_often(built):
    for kind in ("asked", "unasked", "heldout"):
        forms = Counter(row["form"] for row in of_kind(built, kind))
        assert set(forms) == set(FORMS)
        assert min(forms.values()) > 0.1 * forms.total()


def test_no_answer_is_trained_on_more_often_than_allowed(built):
    first = {row["about"]: row["reference"] for row in of_kind(built, "asked")}
    assert max(Counter(map(answer_key, first.values())).values()) <= MAX_REPEATS


def test_asked_questions_that_are_tested_are_training_rows_of_different_objects(built):
    tested = [row for row in built.conversations if row.get("test_asked")]
    assert len(tested) == built.notes["asked_and_tested"] > 200
    assert {row["split"] for row in tested} == {"train"}
    assert len({row["about"] for row in tested}) == len(tested)


def test_prompts_of_pairs_are_prompts_of_conversations(built):
    asked = {row["messages"][0]["content"] for row in built.conversations}
    assert all(row["prompt"][0]["content"] in asked for row in built.preferences)


def test_rows_are_sorted_and_the_limit_holds(documents):
    train = documents[0][:4]
    built = build_chat_rows(CorpusConfig(max_conversations=100), train, [])
    assert len(of_kind(built, "asked")) == 100
    for rows in (built.conversations, built.preferences):
        ids = [row["id"] for row in rows]
        assert ids == sorted(set(ids))


def test_neither_order_nor_hash_seed_changes_a_byte(documents):
    config = CorpusConfig(source="files", max_conversations=50)
    train = [Document(f"d{i}", d.text, "x") for i, d in enumerate(documents[0][:4])]
    expected = build_chat_rows(config, train, [])
    random.Random(0).shuffle(train)
    assert build_chat_rows(config, train, []) == expected
    code = (
        "import sys, json, hashlib; from scratchlm.corpus.conversations import *\n"
        "from scratchlm.corpus.document import Document\n"
        "texts = json.load(sys.stdin)\n"
        "train = [Document(name, text, 'x') for name, text in texts]\n"
        "config = CorpusConfig(source='files', max_conversations=50)\n"
        "rows = build_chat_rows(config, train, [])\n"
        "text = json.dumps([rows.conversations, rows.preferences, rows.notes])\n"
        "print(hashlib.sha256(text.encode()).hexdigest(), 'torch' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([(d.id, d.text) for d in train]),
        env={"PYTHONHASHSEED": "7", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    text = json.dumps([expected.conversations, expected.preferences, expected.notes])
    assert answer.stdout.split() == [hashlib.sha256(text.encode()).hexdigest(), "False"]


def test_another_seed_asks_about_others(documents):
    items = passage_items([documents[0][0]], 0, 200)
    one, other = (
        {unit[0].about for unit in select_items(items, [], seed, 100).unasked}
        for seed in (0, 1)
    )
    assert one and one != other


def test_a_module_that_does_not_parse_is_named_and_passed_over(documents):
    broken = Document("broken", "def f(:\n", "stdlib", {"module": "broken"})
    built = build_chat_rows(CorpusConfig(), [*documents[0][:2], broken], [])
    assert built.notes["modules_not_parsed"] == ["broken"]
    assert not of_kind(built, "heldout")


def test_own_text_gives_synthetic_rows_of_every_kind():
    text = "\n\n".join(
        f"# Part {i}\n\n"
        + " ".join(f"Sentence {i}-{j} says this much and no more." for j in range(12))
        for i in range(30)
    )
    train, heldout = Document("a.md", text, "x"), Document("b.md", text * 2, "x")
    built = build_chat_rows(CorpusConfig(source="files"), [train], [heldout])
    assert built.notes["synthetic"] is True
    assert built.notes["tested_words_in_common_below"] == 1, "the text is a template"
    assert of_kind(built, "asked") and of_kind(built, "unasked")
    assert not of_kind(built, "heldout"), "its text is that of the training side"
    forms = {row["form"] for row in built.conversations}
    assert forms == {"continue", "which", "heading"}


def test_what_is_selected_and_what_is_dropped_add_up():
    text = " ".join(
        f"Sentence number {i} says this much and no more." for i in range(99)
    )
    items = passage_items([Document("a", text, "x")], 0, 500)
    chosen = select_items(items, items[:5], seed=0, max_asked=20)
    n_train = sum(map(len, [*chosen.asked, *chosen.unasked]))
    assert len(chosen.heldout) == 0
    assert n_train + sum(chosen.dropped.values()) == len(items) + 5


def test_files_replace_what_would_be_built(tmp_path, documents):
    chat, pairs = tmp_path / "chat.jsonl", tmp_path / "pairs.jsonl"
    rows = [{"question": f"Question {i}?", "answer": f"Answer {i}."} for i in range(30)]
    chat.write_text("\n".join(map(json.dumps, rows)))
    pairs.write_text('{"prompt": "p", "chosen": "yes", "rejected": "no"}')
    config = CorpusConfig(source="files", chat=str(chat), preferences=str(pairs))
    built = build_chat_rows(config, [], [])
    assert {row["kind"] for row in built.conversations} == {"given"}
    assert len(built.preferences) == 1
    assert built.notes["synthetic"] is False
    only_chat = CorpusConfig(source="stdlib", chat=str(chat))
    built = build_chat_rows(only_chat, documents[0][:4], documents[1])
    assert {row["kind"] for row in built.conversations} == {"given"}
    assert {row["kind"] for row in built.preferences} >= {"hard", "truncated"}


def test_text_too_small_to_ask_about_is_refused_in_one_line():
    with pytest.raises(UserError, match="--chat") as error:
        build_chat_rows(CorpusConfig(source="files"), [Document("a", "Hi.", "x")], [])
    assert "\n" not in str(error.value)
