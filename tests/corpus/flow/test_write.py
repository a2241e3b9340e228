from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scratchlm.base.atomic import read_json
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.decisions import Decision, write_decisions
from scratchlm.corpus.flow.table import read_batches, write_documents
from scratchlm.corpus.flow.write import few_examples, write_shard
from scratchlm.corpus.receipt import Receipt

TEXTS = ("one\ntwo\n", "drei\nvier\n", "fünf\nsechs\n", "seven\neight\n")


@pytest.fixture
def write(tmp_path):
    """`write(steps, assignment)`: the last task on four documents of two sources.

    `steps` maps names to decisions, `assignment` rows to (copies, side).
    """
    inputs = {"documents": tmp_path / "documents.parquet"}
    made = [
        Document(f"d{n}", text, "ab"[n % 2], {"url": f"u{n}"})
        for n, text in enumerate(TEXTS)
    ]
    write_documents(inputs["documents"], made)

    def run(steps, assignment=None, name="out") -> Path:
        out = tmp_path / name
        out.mkdir()
        for number, decisions in enumerate(steps.values()):
            inputs[f"decisions/{number}"] = tmp_path / f"{number}.parquet"
            write_decisions(inputs[f"decisions/{number}"], decisions)
        if assignment is not None:
            inputs["assignment"] = tmp_path / "assignment.parquet"
            copies, side = zip(*assignment.values(), strict=True)
            columns = {"row": list(assignment), "copies": copies, "side": side}
            pq.write_table(pa.table(columns), inputs["assignment"])
        write_shard(inputs, {"steps": list(steps)}, out, 10**8)
        return out

    return run


def rows(out: Path, side: str) -> dict[str, str]:
    return {
        document.id: document.text
        for batch in read_batches(out / f"{side}.parquet")
        for document in batch.documents()
    }


def steps_of(out: Path) -> dict:
    receipt = Receipt.from_json(read_json(out / "receipt.json"))
    return {step["step"]: step for step in receipt.to_json()}


def test_without_decisions_everything_is_written_as_it_came(write):
    out = write({})
    assert rows(out, "train") == {f"d{n}": text for n, text in enumerate(TEXTS)}
    assert rows(out, "heldout") == {}
    assert pq.read_table(out / "removed.parquet").num_rows == 0
    assert steps_of(out)["written"]["kept"] == 4


def test_rows_go_and_bytes_are_cut_and_both_name_what_decided(write):
    line = [Decision(2, 0, 6, "a line", of="d0", value=0.5)]
    exact = [Decision(1, reason="the same", of="d0", value=1.0)]
    out = write({"exact": exact, "line": line})
    assert rows(out, "train") == {"d0": TEXTS[0], "d2": "sechs\n", "d3": TEXTS[3]}
    removed = pq.read_table(out / "removed.parquet").to_pylist()
    assert [(r["step"], r["id"], r["of"], r["excerpt"]) for r in removed] == [
        ("exact", "d1", "d0", "drei vier"),
        ("line", "d2", "d0", "fünf"),
    ]
    assert [r["value"] for r in removed] == [1.0, 0.5]


def test_a_step_sees_what_the_steps_before_it_left(write):
    cut = {"line": [Decision(2, 0, 6, "a line")]}
    again = {"substring": [Decision(2, 0, 3, "words")]}
    out = write({**cut, **again})
    assert rows(out, "train")["d2"] == "hs\n"
    steps = steps_of(out)
    assert steps["line"]["bytes_out"] == steps["substring"]["bytes_in"]
    assert steps["substring"]["bytes_in"] - steps["substring"]["bytes_out"] == 3


def test_every_step_accounts_for_all_that_came_to_it(write):
    out = write(
        {
            "exact": [Decision(0, reason="the same", of="d1")],
            "line": [Decision(2, 0, 6, "a line"), Decision(3, reason="little left")],
        }
    )
    steps = steps_of(out)
    for before, after in (("exact", "line"), ("line", "written")):
        assert steps[after]["in"] == steps[before]["kept"]
        assert steps[after]["bytes_in"] == steps[before]["bytes_out"]
    for step in steps.values():
        assert step["in"] == step["kept"] + step["dropped"]
        for name in ("in", "kept", "dropped", "bytes_in", "bytes_out"):
            by_source = [source[name] for source in step["sources"].values()]
            assert sum(by_source) == step[name]
    assert steps["line"]["changed"] == 1
    assert steps["line"]["notes"]["decisions"] == {"a line": 1, "little left": 1}


def test_what_is_only_reported_changes_nothing_and_is_counted(write):
    out = write({"decontaminate": [Decision(1, 2, 2, "found", of="item", value=0.7)]})
    assert rows(out, "train")["d1"] == TEXTS[1]
    step = steps_of(out)["decontaminate"]
    assert (step["dropped"], step["changed"]) == (0, 0)
    assert step["notes"]["decisions"] == {"found": 1}
    assert step["notes"]["values"] == {"found": {"0.70": 1}}
    assert "cuts" not in step["notes"]


def test_a_document_stands_as_often_and_where_the_assignment_says(write):
    assignment = {0: (3, "train"), 1: (1, "heldout"), 3: (1, "train")}
    out = write({}, assignment)
    assert rows(out, "heldout") == {"d1": TEXTS[1]}
    names = ["d0", "d0×2", "d0×3", "d3"]
    assert list(rows(out, "train")) == names
    assert rows(out, "train")["d0×3"] == TEXTS[0]
    written = steps_of(out)["written"]
    assert (written["kept"], written["dropped"]) == (3, 1)
    assert list(written["reasons"]) == ["not in the mix"]
    sizes = [len(text.encode()) for text in TEXTS]
    assert written["bytes_out"] == 3 * sizes[0] + sizes[1] + sizes[3]


def test_metadata_goes_with_its_document(write):
    out = write({"exact": [Decision(0, reason="the same")]})
    (batch,) = read_batches(out / "train.parquet")
    assert batch.column("url") == ["u1", "u2", "u3"]


def test_the_same_decisions_give_the_same_bytes(write):
    decisions = {"line": [Decision(2, 0, 6, "a line", of="d0", value=0.5)]}
    one, two = write(decisions), write(decisions, name="again")
    for path in sorted(one.iterdir()):
        assert path.read_bytes() == (two / path.name).read_bytes()


def test_of_cuts_a_few_examples_are_shown_the_same_in_any_order():
    examples = {f"{number:02x}": {"id": str(number)} for number in range(50)}
    backwards = dict(reversed(examples.items()))
    assert list(few_examples(backwards)) == list(few_examples(examples))
    assert len(few_examples(examples)) == 8
    half = dict(list(examples.items())[:25])
    assert few_examples({**backwards, **few_examples(half)}) == few_examples(examples)


def test_a_cut_is_shown_with_what_it_repeats(write):
    step = steps_of(write({"line": [Decision(2, 0, 6, "a line", of="d0")]}))["line"]
    (example,) = step["notes"]["cuts"]["a line"].values()
    assert example == {"id": "d2", "of": "d0", "excerpt": "fünf"}
