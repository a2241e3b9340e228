"""Fill the figures of README and chapters from result files: none is typed by hand.

python benchmarks/readme.py            # writes README.md and docs/tokenizer.md
python benchmarks/readme.py --check    # fails where it would write something else

Between `<!-- name -->` and `<!-- /name -->` stands what a function here makes of
`results/journey.json` (the run, its figure), `peers.toml` (the comparison) and
`results/{corpus,tokenizer,data,train}_*.json` (what each benchmark of a room claims).
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from readme_corpus import corpus_lines
from readme_train import train_lines
from scratchlm.base.atomic import write_text
from scratchlm.base.config import read_toml
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file
from scratchlm.base.units import format_bytes, format_count, format_duration
from scratchlm.model.config import ModelConfig

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CHAPTERS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
FIGURE = Path("docs/figures/loss_curve.svg")
SIGNS = {"yes": "●", "part": "◐", "no": "○"}
KINDS = {
    "asked": "asked in training",
    "unasked": "never asked, module read",
    "heldout": "module never read",
}


def main() -> int:
    """Write or check the pages; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    status = 0
    for page, made in pages().items():
        before = page.read_text(encoding="utf-8")
        after = fill(before, made, page.name)
        if not arguments.check:
            write_text(page, after)
        elif before != after:
            print(f"{page.name} is not what its results say: run make readme")
            status = 1
    return status


def pages() -> dict[Path, dict[str, str]]:
    """What is generated on each page."""
    made = {README: sections(), CHAPTERS / "tokenizer.md": tokenizer_sections()}
    for name, prefix in (
        ("corpus", "corpus_"),
        ("data", "data_"),
        ("train_speed", "train_"),
    ):
        if results := results_of(prefix):
            made[CHAPTERS / f"{name}.md"] = {"claims": claims_table(results)}
    return made


def sections() -> dict[str, str]:
    """What is generated, by the name of its markers."""
    made = {"peers": peers_table(read_toml(ROOT / "benchmarks" / "peers.toml"))}
    path = RESULTS / "journey.json"
    if path.exists():
        made["journey"] = journey_section(json.loads(path.read_text("utf-8")))
    made |= {"corpus": corpus_lines(results_of("corpus_"))}
    made |= {"train": train_lines(results_of("train_"))}
    return made | {"tokenizer": tokenizer_lines(results_of("tokenizer_"))}


def fill(text: str, made: Mapping[str, str], page: str = "README.md") -> str:
    """Put each section between its markers.

    Raises:
        UserError: a marker is missing.
    """
    for name, section in made.items():
        opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
        if opening not in text or closing not in text:
            raise UserError(f"{page} lacks the markers {opening} and {closing}")
        head, _, rest = text.partition(opening)
        tail = rest.partition(closing)[2]
        text = f"{head}{opening}\n{section.strip()}\n{closing}{tail}"
    return text


def results_of(prefix: str) -> dict[str, Any]:
    """The result files of one room's benchmarks, by their names."""
    paths = sorted(RESULTS.glob(f"{prefix}*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def tokenizer_lines(results: Mapping[str, Any]) -> str:
    """What the tokenizer reached beside its peers, in a few lines."""
    value = {
        (name, claim["claim"]): claim["value"]
        for name, result in results.items()
        for claim in result["claims"]
    }
    try:
        return "\n".join(f"- {line}" for line in tokenizer_sentences(value))
    except KeyError as error:
        return f"not measured here: {error}"


def tokenizer_sentences(value: Mapping[tuple[str, str], Any]) -> list[str]:
    """Ratios of medians, engines taking turns on the same text."""

    def times(file: str, claim: str) -> str:
        return f"{value[f'tokenizer_{file}', claim]:.3g} times"

    def share(claim: str) -> str:
        return f"{value['tokenizer_encode', claim]:.2g}"

    mb = value["tokenizer_train", "text_megabytes"]
    peak = value["tokenizer_train", "train_32k_peak_mb"]
    rustbpe, huggingface, gigatoken = (
        times("train", f"train_32k_vs_{peer}_wall_ratio")
        for peer in ("rustbpe", "tokenizers", "gigatoken")
    )
    tiktoken = times("encode", "encode_vs_tiktoken_wall")
    library = times("encode", "encode_vs_tokenizers_wall")
    return [
        f"It learns 32,768 ids from {mb:.0f} MB {rustbpe} as fast as rustbpe, "
        f"{huggingface} as fast as Hugging Face's tokenizers, {gigatoken} as fast as "
        f"gigatoken, with the same merges, within {peak:.0f} MB.",
        f"It encodes {tiktoken} as fast as tiktoken, {library} as fast as tokenizers, "
        "on one thread, with the same ids. (gigatoken is faster: ours has "
        f"{share('encode_vs_gigatoken_wall')} of its speed.)",
        f"Without a compiler: the same ids at {share('fallback_ascii_wall')} of "
        f"tiktoken's speed on ASCII, {share('fallback_other_wall')} on German, Russian "
        "and Chinese.",
    ]


def tokenizer_sections() -> dict[str, str]:
    """Tables of the tokenizer's chapter, from the results that are there."""
    results = results_of("tokenizer_")
    made = {"claims": claims_table(results)} if results else {}
    if "tokenizer_own" in results:
        made["own"] = own_table(results["tokenizer_own"])
    return made


def claims_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """What each benchmark claims, its goal, and whether it was reached."""
    rows = []
    for name, result in results.items():
        link = f"[{name}](../benchmarks/results/{name}.json)"
        for claim in result["claims"]:
            what = claim["claim"].replace("_", " ")
            holds = {True: "yes", False: "no", None: "–"}[claim["holds"]]
            rows.append((link, what, shown(claim["value"]), claim["goal"], holds))
            link = ""
    return table(("benchmark", "claim", "measured", "goal", "reached"), rows)


def shown(value: float | bool | None) -> str:
    """A claim's value: counts whole, ratios with four digits."""
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def own_table(result: Mapping[str, Any]) -> str:
    """Bytes per token of tokenizers trained on a kind of text, and of GPT-2's."""
    rows = [
        (
            run["kind"],
            format_bytes(run["train_bytes"]),
            f"{run['vocab_size']:,}",
            f"{run['own']['value']:.2f}",
            f"{run['gpt2']['value']:.2f}",
            interval(run["ratio"]),
        )
        for run in result["runs"]
    ]
    head = ("text", "trained on", "own ids", "own", "GPT-2's", "ratio [95 %]")
    return table(head, rows)


def journey_section(result: Mapping[str, Any]) -> str:
    """The figure of the measured run and what it reached.

    Raises:
        UserError: the figure is another run's.
    """
    seen = merge_runs(result["runs"])
    if sha256_file(ROOT / FIGURE) != seen["figure_sha256"]:
        raise UserError(f"{FIGURE} is not of the run in results/journey.json")
    machine, base = result["machine"], seen["base_bits_per_byte"]
    wall = sum(seen["stage_wall_s"].values())
    model = ModelConfig.model_validate(result["work"]["recipe"]["model"])
    parameters = format_count(model.n_parameters)
    where = f"{machine['cores']} cores of an {machine['cpu']}"
    return "\n".join(
        [
            f"![{figure_title()}]({FIGURE})",
            "",
            f"That is the run behind the figures of this page: {format_duration(wall)} "
            f"on {where}, no GPU, a model of {parameters} parameters.",
            "",
            text_table(base, seen),
            "",
            answer_table(seen["kinds"]),
            "",
            *preference_lines(seen["preferences"]),
            "",
            quantized_line(seen),
        ]
    )


def figure_title() -> str:
    """What the drawing says of itself."""
    drawing = (ROOT / FIGURE).read_text(encoding="utf-8")
    found = re.search(r'aria-label="([^"]*)"', drawing)
    return found[1] if found else "The loss curve of the run below"


def merge_runs(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All raw figures under their names; those of a kind under the kind."""
    seen: dict[str, Any] = {"kinds": {}, "preferences": {}}
    for row in runs:
        if "answers" in row:
            seen["kinds"][row["kind"]] = row["answers"]
        elif "preferences" in row:
            seen["preferences"][row["kind"]] = row["preferences"]
        else:
            seen |= row
    return seen


def text_table(base: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
    """Bits per byte on held-out modules."""
    rows = [
        ("base model", interval(base)),
        ("chat model", interval(seen["chat_bits_per_byte"])),
        (
            "`xz -9e`, all files as one archive",
            f"{seen['xz_archive_bits_per_byte']:.3f}",
        ),
        ("`xz -9e`, each file", f"{seen['xz_each_bits_per_byte']:.3f}"),
    ]
    return table(("bits per byte of unseen modules (fewer is better)", ""), rows)


def answer_table(kinds: Mapping[str, Any]) -> str:
    """Token F1 of the answers, by kind of question."""
    head = ("questions", "token F1", "best constant", "own, shuffled", "stop", "differ")
    rows = [
        (
            f"{judged['n']} {KINDS.get(kind, kind)}",
            interval(judged["f1"]),
            f"{judged['constant']['f1']:.3f}",
            f"{judged['shuffled_f1']:.3f}",
            f"{judged['stop_frac']:.0%}",
            f"{judged['distinct_frac']:.0%}",
        )
        for kind, judged in kinds.items()
    ]
    return table(head, rows)


def preference_lines(kinds: Mapping[str, Any]) -> list[str]:
    """Accuracy on held-out pairs before and after preference training."""
    parts = [
        f"{kind.replace('_', '-')} {found['before_frac']['value']:.1%} → "
        f"{found['after_frac']['value']:.1%}"
        for kind, found in kinds.items()
    ]
    return [f"Held-out pairs told apart, before and after DPO: {', '.join(parts)}."]


def quantized_line(seen: Mapping[str, Any]) -> str:
    """What four bits cost and save."""
    ratio, size = seen["quantized"]["ratio"], seen["file_bytes"]["ratio"]
    return (
        f"Four bits: a file {size:.1f} times smaller than in 16 bits, bits per byte "
        f"× {ratio:.4f}."
    )


def peers_table(peers: Mapping[str, Any]) -> str:
    """The comparison, a row a capability, a column a project.

    Raises:
        UserError: a cell of ours names a proof that is not there.
    """
    columns: Mapping[str, Mapping[str, Any]] = peers["columns"]
    rows = [
        (row["name"], own_cell(row), *(peer_cell(row[name]) for name in columns))
        for row in peers["rows"]
    ]
    counts = [str(column["test_functions"]) for column in columns.values()]
    ours = count_tests(ROOT / "tests") // 500 * 500  # no news with every test
    rows.append(("Test functions", f"over {ours}", *counts))
    links = [
        f"[{name}](https://github.com/{c['repository']}/tree/{c['commit']})"
        for name, c in columns.items()
    ]
    dates = [c["date"] for c in columns.values()]
    legend = (
        f"{SIGNS['yes']} yes · {SIGNS['part']} in part · {SIGNS['no']} not found. Read "
        f"from the sources of {min(dates)} to {max(dates)}; where in each, and the "
        "test that proves ours: [peers.toml](benchmarks/peers.toml)."
    )
    return table(("", "ScratchLM", *links), rows) + "\n\n" + legend


def own_cell(row: Mapping[str, Any]) -> str:
    """Our own cell; its proof must exist."""
    sign, proof = row["scratchlm"][0], row["scratchlm"][-1]
    if sign != "no" and not (ROOT / proof).exists():
        raise UserError(f"peers.toml: {row['name']!r} rests on {proof}: not there")
    words = row["scratchlm"][1] if sign == "no" or len(row["scratchlm"]) > 2 else ""
    return f"{SIGNS[sign]} {words}".strip()


def peer_cell(cell: Sequence[str]) -> str:
    """A peer's cell: sign and words; its source stays in the file."""
    sign, words, _ = cell
    return f"{SIGNS[sign]} {words}".strip()


def count_tests(folder: Path) -> int:
    """Count the test functions below a folder."""
    return sum(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for path in folder.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def interval(measured: Mapping[str, Any]) -> str:
    """A value with its 95 % interval."""
    return f"{measured['value']:.3f} [{measured['low']:.3f}, {measured['high']:.3f}]"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    sys.exit(main())
