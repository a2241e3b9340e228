from scratchlm.corpus.receipt import Receipt, Step


def test_what_goes_in_is_kept_or_dropped_with_a_reason():
    step = Receipt().step("clean")
    step.keep(10)
    step.keep(30, count=2)
    for number in range(25):
        step.drop(f"d{number}", "empty")
    step.drop({"id": "x"}, "binary", 7)
    account = step.to_json()
    assert account["in"] == 29 == account["kept"] + 26
    assert account["kept_bytes"] == 40
    assert list(account["dropped"]) == ["binary", "empty"]
    assert account["dropped"]["binary"] == {
        "count": 1,
        "bytes": 7,
        "examples": [{"id": "x"}],
    }


def test_counts_are_whole_where_names_are_cut():
    step = Step("files", named=3)
    other = Step("files")
    for number in range(5):
        step.drop(number, "empty", 1)
        other.drop(number + 5, "empty", 1)
    step.add(other)
    drop = step.to_json()["dropped"]["empty"]
    assert drop == {"count": 10, "bytes": 10, "examples": [0, 1, 2]}


def test_the_main_reasons_are_the_most_frequent_ones():
    receipt = Receipt()
    files, rows = receipt.step("files", "files"), receipt.step("rows", "rows")
    files.drop("a", "binary")
    for number in range(3):
        rows.drop(number, "not JSON")
    assert receipt.main_reasons() == "3 × not JSON (rows), 1 × binary (files)"
    assert Receipt().main_reasons() == ""
