from scratchlm.corpus.report_result import ITEMS, MIX, RESULT, show_items, show_mix

FOUND = {
    "items": 300,
    "too_short": 2,
    "hidden_as_boilerplate": 0,
    "found": 3,
    "documents": 4,
    "tasks": {
        "arithmetic": {
            "items": 200,
            "found": 3,
            "documents": 4,
            "hidden_as_boilerplate": 0,
        },
        "<history>": {
            "items": 100,
            "found": 0,
            "documents": 0,
            "hidden_as_boilerplate": 0,
        },
    },
}
SOURCE = {
    "documents": 5,
    "n_bytes": 1000,
    "heldout_documents": 1,
    "heldout_bytes": 100,
    "written_bytes": 2500,
    "epochs": 2.5,
}


def test_only_tasks_of_which_something_was_found_are_listed():
    shown = show_items({ITEMS: FOUND})
    assert "300 items of 2 tasks were looked for; 3 of them were found" in shown
    assert "arithmetic" in shown and "history" not in shown


def test_nothing_is_said_of_items_that_were_not_looked_for():
    assert show_items({}) == ""


def test_what_is_still_there_is_named_and_nothing_is_said_to_be_none():
    clean = {**FOUND, "found": 0, "documents": 0, "found_items": []}
    assert "once more: none." in show_items({ITEMS: FOUND, RESULT: clean})
    item = {"task": "arithmetic", "item": "7", "document": "a<b>"}
    still = {**FOUND, "found": 1, "documents": 1, "found_items": [item]}
    shown = show_items({ITEMS: FOUND, RESULT: still})
    assert "a&lt;b&gt;" in shown and "a<b>" not in shown


def test_the_mix_says_epochs_and_warns():
    mix = {"sources": {"notes": SOURCE}, "warnings": ["notes is repeated 9 times"]}
    shown = show_mix({MIX: mix})
    for words in ("notes", "2.50", "2.50 kB", "Warning: notes is repeated 9 times."):
        assert words in shown
    assert show_mix({}) == ""
