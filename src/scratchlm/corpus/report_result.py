"""On the page of a corpus: what was found of evaluation items, and the mix."""

from collections.abc import Mapping
from typing import Any

from scratchlm.base.page import paragraph, table
from scratchlm.base.units import format_bytes

Receipt = Mapping[str, Any]
ITEMS, RESULT = "decontaminate", "decontamination_of_the_result"
MIX = "assign"


def show_items(receipt: Receipt) -> str:
    """Tasks of which items were found, and what is left of them; "" if none were
    looked for.
    """
    if ITEMS not in receipt:
        return ""
    found = receipt[ITEMS]
    tasks = found["tasks"]
    said = (
        f"{found['items']:,} items of {len(tasks):,} tasks were looked for; "
        f"{found['found']:,} of them were found, in {found['documents']:,} documents. "
        f"{found['too_short']:,} are too short to be told from other text, "
        f"{found['hidden_as_boilerplate']:,} stand in so many documents that they "
        "count as boilerplate."
    )
    names = ("items", "found", "documents", "hidden_as_boilerplate")
    rows = [
        [task, *(counts[name] for name in names)]
        for task, counts in tasks.items()
        if counts["found"] or counts["hidden_as_boilerplate"]
    ]
    headers = ["task", "items", "found", "documents", "boilerplate"]
    listed = table(headers, rows, "Tasks of which something was found") if rows else ""
    return paragraph(said) + listed + _show_result(receipt.get(RESULT))


def show_mix(receipt: Receipt) -> str:
    """What is written of each source, and warnings; "" where nothing was mixed."""
    if MIX not in receipt:
        return ""
    mix = receipt[MIX]
    rows = [
        [
            name,
            counts["documents"] + counts["heldout_documents"],
            counts["heldout_documents"],
            format_bytes(counts["n_bytes"]),
            format_bytes(counts["written_bytes"]),
            f"{counts['epochs']:.2f}",
        ]
        for name, counts in mix["sources"].items()
    ]
    headers = ["source", "documents", "held out", "to learn from", "written", "epochs"]
    warned = "".join(paragraph(f"Warning: {text}.") for text in mix["warnings"])
    return warned + table(headers, rows, "What is written of each source", (3, 4, 5))


def _show_result(found: Receipt | None) -> str:
    if found is None:
        return ""
    if not found["found"]:
        return paragraph("In what was written, looked through once more: none.")
    return paragraph(
        f"In what was written, looked through once more: {found['found']:,}, in "
        f"{found['documents']:,} documents."
    ) + table(
        ["task", "item", "document"],
        [
            [item.get("task"), item.get("item"), item.get("document")]
            for item in found["found_items"]
        ],
        "What is still there",
    )
