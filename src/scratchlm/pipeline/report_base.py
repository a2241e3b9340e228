"""The report's chapter on the base model: bits per byte beside those of xz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scratchlm.base.page import details, figure, paragraph, section, table
from scratchlm.base.svg import Row, dot_plot
from scratchlm.pipeline.report_files import RunFiles, dig


def base_section(run: RunFiles) -> str:
    """Bits per byte of the pretrained model beside those of xz."""
    result = run.evaluation("evaluate_base")
    measured = result.get("bits_per_byte")
    if not isinstance(measured, Mapping) or measured.get("value") is None:
        state = paragraph(f"Evaluation: {run.state('evaluate_base')}.")
        return section("base", "The base model on held-out text", state)
    chat = dig(run.evaluation("evaluate_chat"), "bits_per_byte")
    return section(
        "base",
        "The base model on held-out text",
        paragraph(
            f"{measured.get('n_documents')} documents that no stage of the training "
            "ever read were predicted token by token. Bits per byte is what the model "
            "needs to write them down; xz -9e got the same bytes."
        ),
        bits_figure(measured, result.get("compression") or {}, chat),
        paragraph(
            "The interval is a 95 % bootstrap interval over documents. xz met each "
            "file alone, and all files as one archive, where it may copy from file "
            "to file.",
            faint=True,
        ),
        _document_table(result.get("documents") or []),
    )


def bits_figure(
    measured: Mapping[str, Any], packed: Mapping[str, Any], chat: Any = None
) -> str:
    """Bits per byte of the models and of xz, in one picture."""
    rows = [Row("base model", *_bounds(measured))]
    if isinstance(chat, Mapping):
        rows.append(Row("chat model", *_bounds(chat), colour=2))
    alone, archive = (
        packed.get("per_file_bits_per_byte"),
        packed.get("archive_bits_per_byte"),
    )
    rows.append(Row("xz, each file", alone, colour=1))
    rows.append(Row("xz, one archive", archive, colour=1))
    title = bits_title(float(measured["value"]), alone, archive)
    return figure(
        title, dot_plot(title, rows, x_label="bits per byte (fewer is better)")
    )


def bits_title(value: float, alone: float | None, archive: float | None) -> str:
    """Says which of the two xz figures the model is below."""
    start = f"The base model needs {value:.3f} bits per byte"
    if alone is None or archive is None:
        return start
    if value < archive:
        return f"{start}, fewer than xz in both forms ({alone:.3f} and {archive:.3f})"
    if value < alone:
        return (
            f"{start}: fewer than xz on single files ({alone:.3f}), more than xz on "
            f"the archive ({archive:.3f})"
        )
    return f"{start}, more than xz ({alone:.3f} and {archive:.3f})"


def _document_table(documents: Sequence[Mapping[str, Any]]) -> str:
    rows = sorted(
        (
            [
                row.get("name"),
                row.get("n_bytes"),
                row.get("bits_per_byte"),
                row.get("xz_bits_per_byte"),
            ]
            for row in documents
        ),
        key=lambda row: -(row[2] or 0.0),
    )
    if not rows:
        return ""
    better = sum((row[2] or 9) < (row[3] or 0) for row in rows)
    return details(
        f"Every held-out document: the model beats xz on {better} of {len(rows)}",
        table(
            ["document", "bytes", "model", "xz -9e"],
            rows,
            "Bits per byte, hardest first",
        ),
    )


def _bounds(value: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    return value.get("value"), value.get("low"), value.get("high")
