import json
import random

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.decontaminate.canary import TASK
from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.item_fields import Item
from scratchlm.corpus.decontaminate.steps import (
    build_decontaminate_step,
    check_final,
    read_report,
)
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.executor import LocalPool
from scratchlm.corpus.flow.stages import DeadCanaryError
from scratchlm.corpus.flow.table import write_documents

NAMES = ("case", "punctuation", "lines", "megabyte", "typography", "edited", "part")


def config_of(path, **settings):
    return DecontaminateConfig(files=(str(path),), **settings)


def test_each_of_seven_disguises_is_found_item_by_item(
    quiz, quiz_file, carrier, disguises, run_flow
):
    assert tuple(disguises) == NAMES
    items, draw = quiz(8), random.Random(3)
    planted = {
        f"{item.id} {name}": carrier(
            f"{item.id} {name}", disguise(item.prompts[0], draw), n
        )
        for n, item in enumerate(items)
        for name, disguise in disguises.items()
        if name != "megabyte" or n == 0
    }
    clean = [carrier(f"clean {n}", seed=90 + n) for n in range(20)]
    step = build_decontaminate_step(config_of(quiz_file(items)))
    done = run_flow(step, [list(planted.values()), clean])
    found = {(row["document"], row["item"]) for row in read_report(done.out)}
    assert found == {(name, name.split()[0]) for name in planted}
    assert not done.decisions[1]
    assert {d.row for d in done.decisions[0]} == set(range(len(planted)))


def test_masked_text_no_longer_matches_and_the_rest_of_the_text_is_kept(
    quiz, quiz_file, carrier, run_flow, tmp_path
):
    items = quiz(12)
    leaks = [carrier(f"d{n}", i.prompts[0], n) for n, i in enumerate(items)]
    config = config_of(quiz_file(items))
    done = run_flow(build_decontaminate_step(config), [leaks])
    left = done.texts()
    for n in range(12):
        assert len(left[f"d{n}"]) > 0.9 * len(carrier("x", seed=n).text)
    documents = [Document(name, text, "made") for name, text in left.items()]
    write_documents(tmp_path / "final.parquet", documents)
    again = check_final(config, [tmp_path / "final.parquet"], done.out)
    assert again["found"] == 0 and again["items"] == 12
    write_documents(tmp_path / "final.parquet", leaks)
    assert check_final(config, [tmp_path / "final.parquet"])["found"] == 12


def test_a_clean_corpus_gives_none(quiz, quiz_file, carrier, run_flow):
    clean = [carrier(f"clean {n}", seed=n) for n in range(40)]
    step = build_decontaminate_step(config_of(quiz_file(quiz(200))))
    done = run_flow(step, [clean[:20], clean[20:]])
    assert list(read_report(done.out)) == []
    assert done.decisions == [[], []]
    summary = json.loads(done.files()["summary.json"])
    assert (summary["items"], summary["found"]) == (200, 0)
    assert TASK not in summary["tasks"]


def test_words_in_more_than_ten_documents_are_boilerplate(
    quiz, quiz_file, carrier, run_flow
):
    items = quiz(2)
    for n_documents, n_found in ((10, 10), (11, 0)):
        leaks = [carrier(f"d{n}", items[0].prompts[0], n) for n in range(n_documents)]
        step = build_decontaminate_step(config_of(quiz_file(items)))
        done = run_flow(step, [leaks[:6], leaks[6:]])
        assert len(list(read_report(done.out))) == n_found
        summary = json.loads(done.files()["summary.json"])
        assert summary["hidden_as_boilerplate"] == (n_found == 0)


def test_the_final_check_calls_the_same_things_boilerplate(
    quiz, quiz_file, carrier, run_flow, tmp_path
):
    items = quiz(1)
    leaks = [carrier(f"d{n}", items[0].prompts[0], n) for n in range(11)]
    config = config_of(quiz_file(items))
    done = run_flow(build_decontaminate_step(config), [leaks])
    write_documents(tmp_path / "final.parquet", leaks[:5])
    parts = [tmp_path / "final.parquet"]
    assert check_final(config, parts, done.out)["found"] == 0
    assert check_final(config, parts)["documents"] == 5


def test_order_memory_and_workers_change_no_byte(quiz, quiz_file, carrier, run_flow):
    items = quiz(6)
    leaks = [carrier(f"d{n}", items[n % 6].prompts[0], n) for n in range(12)]
    step = build_decontaminate_step(config_of(quiz_file(items)))
    first = run_flow(step, [leaks[:7], leaks[7:]]).files()
    assert run_flow(step, [leaks[:7], leaks[7:]], memory=1000).files() == first
    pool = LocalPool(2)
    try:
        assert run_flow(step, [leaks[:7], leaks[7:]], executor=pool).files() == first
    finally:
        pool.close()
    again = build_decontaminate_step(config_of(quiz_file(items[::-1])))
    other = run_flow(again, [leaks[7:], leaks[:7]])
    assert other.files()["items.jsonl"] == first["items.jsonl"]
    assert other.files()["summary.json"] == first["summary.json"]


def test_what_happens_can_differ_by_source(quiz, quiz_file, carrier, run_flow):
    items = quiz(3)
    shards = [
        [carrier(f"{source} 1", items[n].prompts[0], n, source)]
        for n, source in enumerate(("books", "code", "web"))
    ]
    config = config_of(quiz_file(items), actions={"code": "mask", "web": "mask"})
    step = build_decontaminate_step(config, {"web": "drop", "code": "report"})
    done = run_flow(step, shards)
    left = done.texts()
    assert set(left) == {"books 1", "code 1"}
    assert items[0].prompts[0] not in left["books 1"]
    assert items[1].prompts[0] in left["code 1"]
    actions = {row["source"]: row["action"] for row in read_report(done.out)}
    assert actions == {"books": "mask", "code": "report", "web": "drop"}


def test_the_report_says_where_and_how_much(quiz, quiz_file, carrier, run_flow):
    [item] = quiz(1)
    document = carrier("a", item.prompts[0].rstrip("?"))
    done = run_flow(
        build_decontaminate_step(config_of(quiz_file([item]))), [[document]]
    )
    [row] = read_report(done.out)
    [[begin, end]] = row["spans"]
    leak = item.prompts[0].rstrip("?")
    assert document.text.encode()[begin:end].decode() == leak
    assert row["task"] == "quiz" and row["item"] == "0" and row["share"] == 1.0
    assert leak.startswith(row["excerpt"])


def test_a_short_question_is_found_through_the_whole_step(
    sentence, quiz_file, carrier, run_flow
):
    item = Item("quiz", "0", (sentence(1, 5) + "?",), (), (sentence(2, 1),))
    leak = f"Q: {item.prompts[0]} A: {item.answers[0]}"
    step = build_decontaminate_step(config_of(quiz_file([item])))
    done = run_flow(step, [[carrier("a", leak), carrier("b", item.prompts[0], 1)]])
    assert [row["document"] for row in read_report(done.out)] == ["a"]
    assert sentence(1, 5) not in done.texts()["a"]


def test_the_canary_dies_where_the_step_cannot_find_anything(
    quiz, quiz_file, carrier, run_flow, monkeypatch
):
    step = build_decontaminate_step(config_of(quiz_file(quiz(1))))
    assert run_flow(step, [[carrier("a")]]).decisions == [[]]
    monkeypatch.setattr(
        "scratchlm.corpus.decontaminate.matching.Matches.add", lambda *_: None
    )
    with pytest.raises(DeadCanaryError):
        run_flow(step, [[carrier("a")]])


def test_a_file_that_changes_during_the_build_stops_it(quiz, quiz_file, run_flow):
    path = quiz_file(quiz(2))
    step = build_decontaminate_step(config_of(path))
    quiz_file(quiz(3))
    with pytest.raises(UserError, match="changed while"):
        run_flow(step, [[Document("a", "text", "made")]])


def test_where_the_files_lie_decides_nothing(quiz, quiz_file, tmp_path):
    first = quiz_file(quiz(2))
    (tmp_path / "elsewhere").mkdir()
    second = tmp_path / "elsewhere" / first.name
    second.write_bytes(first.read_bytes())
    configs = [
        build_decontaminate_step(config_of(path)).config.model_dump(mode="json")
        for path in (first, second)
    ]
    assert configs[0] == configs[1]
