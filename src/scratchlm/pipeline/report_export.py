"""The report's chapters on what leaves the house: four bits, and other formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scratchlm.base.page import (
    details,
    facts,
    interval,
    paragraph,
    section,
    table,
    tree,
)
from scratchlm.base.units import format_bytes, format_count
from scratchlm.pipeline.report_files import RunFiles, dig


def quantize_section(run: RunFiles) -> str:
    """How much smaller the model became, and what that cost."""
    receipt = run.json("quantize/receipt.json")
    title = "Quantisation: the model in four bits"
    if not receipt:
        state = paragraph(f"Quantisation: {run.state('quantize')}.")
        return section("quantize", title, state)
    sizes = receipt.get("file_bytes") or {}
    return section(
        "quantize",
        title,
        _verdict(find_quantization(run)),
        facts(
            [
                ("method", _method(receipt)),
                ("file in bfloat16", _bytes(sizes.get("bfloat16"))),
                ("file quantised", _bytes(sizes.get("quantized"))),
                ("times smaller", sizes.get("ratio")),
                ("weights quantised", _count(dig(receipt, "weights", "quantized"))),
                (
                    "weights in full precision",
                    _count(dig(receipt, "weights", "full_precision")),
                ),
                ("same most probable token", _agreement(receipt)),
            ]
        ),
        _kept_tensors(receipt.get("full_precision")),
        *(paragraph(str(note)) for note in receipt.get("notes") or []),
        details("The whole receipt of quantisation", tree(receipt)),
    )


def export_section(run: RunFiles) -> str:
    """What was written for other programs, its proof, or why it was not."""
    receipt = run.json("export/receipt.json")
    formats = receipt.get("formats")
    if not isinstance(formats, Mapping):
        state = paragraph(f"Export: {run.state('export')}.")
        return section("export", "Export: for other programs", state)
    rows = [
        [
            name,
            "written" if entry.get("written") else "refused",
            entry.get("what") or entry.get("reason"),
            dig(entry, "verification", "logits_difference_below"),
        ]
        for name, entry in formats.items()
        if isinstance(entry, Mapping)
    ]
    files = receipt.get("files") or {}
    return section(
        "export",
        "Export: for other programs",
        table(
            ["format", "result", "what, or why not", "logits differ by less than"],
            rows,
            "Every file was read back and held against the model",
        ),
        details(
            f"The {len(files)} files and their hashes",
            table(
                ["file", "size", "sha256"],
                [
                    [name, _bytes(entry.get("bytes")), entry.get("sha256")]
                    for name, entry in files.items()
                    if isinstance(entry, Mapping)
                ],
            ),
        )
        if files
        else "",
    )


def find_quantization(run: RunFiles) -> dict[str, Any]:
    """Bits per byte before and after: ``bf16``, ``quantized``, ``ratio``; or empty."""
    for value in run.stage_files("quantize").values():
        if {"bf16", "quantized", "ratio"} <= value.keys():
            return value
    return {}


def _verdict(compared: Mapping[str, Any]) -> str:
    ratio = compared.get("ratio")
    if not isinstance(ratio, int | float):
        return ""
    way = "more" if ratio > 1 else "fewer"
    return paragraph(
        f"On held-out text the quantised model needs {abs(100 * (ratio - 1)):.2f} % "
        f"{way} bits per byte than the same model in bfloat16: "
        f"{interval(compared.get('quantized'))} instead of "
        f"{interval(compared.get('bf16'))}."
    )


def _method(receipt: Mapping[str, Any]) -> str | None:
    if "method" not in receipt:
        return None
    name = {"awq": "activation-aware (AWQ)", "rtn": "round to nearest"}
    method = name.get(receipt["method"], receipt["method"])
    return (
        f"{method}, {receipt.get('bits')} bits in groups of {receipt.get('group_size')}"
    )


def _kept_tensors(kept: Any) -> str:
    if not isinstance(kept, Mapping):
        return ""
    rows = [[dtype, ", ".join(names)] for dtype, names in kept.items() if names]
    return table(["precision", "tensors"], rows, "What stays in full precision")


def _agreement(receipt: Mapping[str, Any]) -> str | None:
    share = dig(receipt, "unseen", "top1_agreement_frac")
    return f"{100 * share:.1f} %" if isinstance(share, int | float) else None


def _bytes(value: Any) -> str | None:
    return format_bytes(value) if isinstance(value, int | float) else None


def _count(value: Any) -> str | None:
    return format_count(value) if isinstance(value, int | float) else None
