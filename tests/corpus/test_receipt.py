import itertools

from scratchlm.corpus.receipt import Receipt, Step


def test_what_goes_in_is_kept_dropped_or_failed_with_a_reason():
    step = Receipt().step("clean")
    step.keep(10)
    step.keep(30, count=2)
    for number in range(25):
        step.drop(f"d{number}", "empty")
    step.drop({"id": "x"}, "binary", 7, failed=True)
    account = step.to_json()
    assert account["in"] == 29 == account["kept"] + account["dropped"] + 1
    assert account["failed"] == 1
    assert account["kept_bytes"] == 40
    assert list(account["reasons"]) == ["binary", "empty"]
    assert account["reasons"]["binary"] == {
        "count": 1,
        "bytes": 7,
        "failed": True,
        "examples": [{"id": "x"}],
    }


def test_counts_are_whole_where_names_are_cut():
    step = Step("files", named=3)
    other = Step("files")
    for number in range(5):
        step.drop(number, "empty", 1)
        other.drop(number + 5, "empty", 1)
    step.add(other)
    drop = step.to_json()["reasons"]["empty"]
    assert (drop["count"], drop["bytes"]) == (10, 10)
    assert len(drop["examples"]) == 3


def _part(number: int) -> Receipt:
    receipt = Receipt()
    step = receipt.step("rule", named=4)
    step.keep(100 * number, source="a", bytes_in=120 * number, changed=1)
    for place in range(6):
        step.drop(f"{number}-{place}", "why", 5, source="b")
    step.notes["encodings"] = {"utf-8": number, f"cp{number}": 1}
    step.notes["pages"] = number
    return receipt


def test_receipts_of_parts_add_up_in_any_order_and_come_back_from_json():
    totals = set()
    for order in itertools.permutations(range(3)):
        total = Receipt()
        for number in order:
            total.add(Receipt.from_json(_part(number).to_json()))
        totals.add(str(Receipt([*total.steps]).to_json()[0]["reasons"]))
        step = total.to_json()[0]
        assert step["sources"]["a"]["bytes_in"] == 360
        assert step["sources"]["b"]["dropped"] == 18
        assert step["notes"]["encodings"]["utf-8"] == 3 == step["notes"]["pages"]
    assert len(totals) == 1


def test_the_main_reasons_are_the_most_frequent_ones():
    receipt = Receipt()
    files, rows = receipt.step("files", "files"), receipt.step("rows", "rows")
    files.drop("a", "binary")
    for number in range(3):
        rows.drop(number, "not JSON")
    assert receipt.main_reasons() == "3 × not JSON (rows), 1 × binary (files)"
    receipt.step("more", "files").drop("b", "binary")
    assert receipt.main_reasons().endswith("2 × binary (files)")
    assert Receipt().main_reasons() == ""
