"""Bits per byte of small models that differ in their tokenizer alone.

A first journey freezes the recipe. Then for each seed, one after another: BPE, and
WordPiece by frequency and by likelihood, with the same number of ids and the same
model. By likelihood only pairs join that are as frequent as they can be asked to be
while the vocabulary still fills (`min_frequency`): with less, rare pairs take it all.
Each reads the same bytes of training text, that is, steps in proportion to the
tokens that its tokenizer makes of them; where that is more steps than BPE's it is also
more compute, so that both WordPieces run at BPE's steps besides.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from result import Result
from scratchlm.base.atomic import read_json
from scratchlm.base.config import read_toml
from scratchlm.corpus import Corpus
from scratchlm.tokenizer import TokenizerConfig
from scratchlm.tokenizer.counts import WordCounts
from scratchlm.tokenizer.train import build_counts, train_from_counts

SCRATCHLM = str(Path(sys.executable).with_name("scratchlm"))
SEEDS = (0, 1)
KINDS: dict[str, dict[str, Any]] = {
    "bpe": {},
    "frequency": {"kind": "wordpiece", "score": "frequency"},
    "likelihood": {"kind": "wordpiece", "score": "likelihood"},
}
CLAIMS = {
    (name, budget): f"{name}_bits_per_byte_over_bpe_at_{budget}"
    for budget in ("same_bytes", "same_steps")
    for name in ("frequency", "likelihood")
}
GOAL = "> 0"  # they are to stand beside each other, whichever is better
# What comes after the base model is not looked at: as little of it as there can be.
SHORT = (
    "finetune.max_tokens=2000",
    "finetune.epochs=1",
    "align.max_tokens=2000",
    "align.epochs=1",
    "evaluate.max_questions=6",
    "evaluate.max_new_tokens=8",
    "quantize.n_grid=2",
    'export.formats=["scratchlm"]',
)


def claim_models(result: Result, minutes: float) -> None:
    """Train them all and claim how near WordPiece comes to BPE."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        recipe = freeze_recipe(runs, minutes)
        kinds, tokens = train_tokenizers(runs / "frozen" / "corpus", recipe)
        rows = [
            measure(runs, recipe, name, kinds[name], steps, seed, tokens[name])
            for seed in SEEDS
            for name, steps in plan(recipe, tokens)
        ]
    result.runs += rows
    bpe = mean(rows, "bpe", "same_bytes")
    for (name, budget), claim in CLAIMS.items():
        result.claim(claim, GOAL, mean(rows, name, budget) / bpe)


def claim_no_models(result: Result, why: str) -> None:
    """Say that they were not trained."""
    for claim in CLAIMS.values():
        result.absent(claim, GOAL, why)


def freeze_recipe(runs: Path, minutes: float) -> dict[str, Any]:
    """The recipe of a journey of so many minutes with BPE, every choice made."""
    words = ["run", "laptop", "--minutes", str(minutes), "--name", "frozen"]
    call([*words, "--runs-dir", str(runs), *SHORT])
    return read_toml(runs / "frozen" / "recipe.toml")


def train_tokenizers(
    corpus: Path, recipe: dict[str, Any]
) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """Options of each tokenizer, and the tokens it makes of the training text."""
    texts = [document.text for document in Corpus(corpus).train_documents()]
    kinds, tokens = {}, {}
    for name, options in KINDS.items():
        config = TokenizerConfig(**{**recipe["tokenizer"], **options})
        counts = build_counts(config)
        counts.add_texts(texts)
        kinds[name] = dict(options)
        if name == "likelihood":
            kinds[name]["min_frequency"] = largest_filling_frequency(config, counts)
            config = config.model_copy(update=kinds[name])
        tokenizer = train_from_counts(config, counts)
        tokens[name] = sum(map(len, tokenizer.encode_batch(texts)))
    return kinds, tokens


def largest_filling_frequency(config: TokenizerConfig, counts: WordCounts) -> int:
    """The largest `min_frequency` that leaves no slot of the vocabulary unused."""
    low, high = config.min_frequency, 1 << 16
    while high - low > 1:
        middle = (low + high) // 2
        tried = config.model_copy(update={"min_frequency": middle})
        if train_from_counts(tried, counts).n_unused:
            high = middle
        else:
            low = middle
    return low


def plan(recipe: dict[str, Any], tokens: dict[str, int]) -> list[tuple[str, int]]:
    """What is trained, and for how many steps."""
    steps = recipe["train"]["total_steps"]
    rows = [(name, round(steps * tokens[name] / tokens["bpe"])) for name in KINDS]
    return rows + [(name, steps) for name in KINDS if name != "bpe"]


def measure(
    runs: Path,
    recipe: dict[str, Any],
    name: str,
    options: dict[str, Any],
    steps: int,
    seed: int,
    tokens: int,
) -> dict[str, Any]:
    """Train one model to its base; its bits per byte on held-out documents."""
    train = recipe["train"]
    share = steps / train["total_steps"]
    said = [f"tokenizer.{key}={value!r}" for key, value in options.items()]
    said += [f"train.seed={seed}", f"train.total_steps={steps}"]
    said += [
        f"train.{key}={max(1, round(train[key] * share))}"
        for key in ("warmup_steps", "decay_steps")
    ]
    run = f"{name}-{steps}-{seed}"
    file = str(runs / "frozen" / "recipe.toml")
    begun = time.perf_counter()
    call(["run", file, "--name", run, "--runs-dir", str(runs), *said, *SHORT])
    found = read_json(runs / run / "evaluate_base" / "evaluation.json")["bits_per_byte"]
    return {
        "tokenizer": name,
        "budget": "same_steps" if share == 1 and name != "bpe" else "same_bytes",
        "seed": seed,
        "vocab_size": recipe["tokenizer"]["vocab_size"],
        "steps": steps,
        "options": options,
        "training_tokens": tokens,
        "bits_per_byte": found["value"],
        "low": found["low"],
        "high": found["high"],
        "heldout_bytes_per_token": found["bytes_per_token"],
        "wall_s": round(time.perf_counter() - begun, 1),
    }


def mean(rows: list[dict[str, Any]], name: str, budget: str) -> float:
    """Bits per byte over the seeds."""
    wanted = (name, budget)
    values = [
        row["bits_per_byte"]
        for row in rows
        if (row["tokenizer"], row["budget"]) == wanted
    ]
    return sum(values) / len(values)


def call(words: list[str]) -> None:
    """Run the command."""
    subprocess.run([SCRATCHLM, *words], check=True, stdout=subprocess.DEVNULL)
