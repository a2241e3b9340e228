"""What README and the corpus chapter say of the corpus and data benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Values = Mapping[tuple[str, str], Any]


def corpus_lines(results: Mapping[str, Any]) -> str:
    """What the corpus stage reached beside its peers, in a few lines."""
    value = {
        (name, claim["claim"]): claim["value"]
        for name, result in results.items()
        for claim in result["claims"]
    }
    lines = []
    for sentence in (near_line, filter_line, reading_line, contamination_line):
        try:
            lines.append(f"- {sentence(value)}")
        except KeyError as error:
            lines.append(f"- Not measured here: {error}")
    return "\n".join(lines)


def near_line(value: Values) -> str:
    """Near-duplicates."""
    datatrove, datasketch, rensa = (
        f"{value['corpus_dedup', f'near_vs_{peer}_ratio']:.3g} times"
        for peer in ("datatrove", "datasketch", "rensa")
    )
    inserted = value["corpus_dedup", "recall_inserted_0.4"]
    replaced = value["corpus_dedup", "recall_replaced_0.04"]
    return (
        f"Near-duplicates, each removal verified: {datatrove} as fast as datatrove, "
        f"{datasketch} as fast as datasketch, {rensa} as fast as rensa, with at least "
        f"their recall at every level ({inserted:.0%} with 40 % inserted, "
        f"{replaced:.0%} with 4 % of the words replaced)."
    )


def filter_line(value: Values) -> str:
    """Gopher, C4 and FineWeb."""
    speed = value["corpus_filters", "filters_mb_per_s_a_core"]
    ratio = value["corpus_filters", "filters_vs_datatrove_ratio"]
    kinds = ("pretrain", "messy", "hard")
    different = sum(value["corpus_filters", f"verdicts_{k}_different"] for k in kinds)
    return (
        f"The filters of Gopher, C4 and FineWeb: {speed:.0f} MB/s a core, {ratio:.0f} "
        f"times datatrove's, with {different} verdicts that differ."
    )


def reading_line(value: Values) -> str:
    """Extraction and languages."""
    f1 = value["corpus_extract", "article_f1"]
    language = value["corpus_language", "language_accuracy"]
    return (
        f"Main text of web pages: F1 {f1:.3f}; the language of single sentences in 75 "
        f"languages: {language:.1%} right."
    )


def contamination_line(value: Values) -> str:
    """Evaluation items."""
    found = value["corpus_decontaminate", "planted_leaks_found_of_350"]
    wrong = value[
        "corpus_decontaminate", "found_in_clean_text_without_13_words_verbatim"
    ]
    return (
        f"Evaluation items: {found} of 350 planted leaks in seven disguises found item "
        f"by item, {wrong} found where none of their words stand."
    )
