"""Bits per byte of small models that differ in their tokenizer alone.

python benchmarks/tokenizer_kinds.py [--seeds 0 1] [--minutes 2]

On the embedded corpus, with the recipe that the laptop's dial sets for so many minutes
of its nominal machine: no clock is read, so that the same commit gives the same bits.
For each seed, one after another: BPE, and WordPiece by frequency and by likelihood,
with the same number of ids, the same model, and the same bytes of training text, that
is, steps in proportion to the tokens that a tokenizer makes of it. By likelihood only
pairs join that are as frequent as they can be asked to be while the vocabulary still
fills (`min_frequency`): with less, rare pairs take it all.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from result import Result
from scratchlm.base.atomic import read_json
from scratchlm.base.config import merge
from scratchlm.base.hashing import sha256_file
from scratchlm.corpus import Corpus, CorpusConfig, build_corpus
from scratchlm.pipeline.calibration import NOMINAL
from scratchlm.pipeline.dial import derive
from scratchlm.pipeline.facts import count_facts
from scratchlm.pipeline.freeze import resolve
from scratchlm.pipeline.graph import Context
from scratchlm.pipeline.recipe import Recipe, read_packaged
from scratchlm.pipeline.rooms import (
    run_data,
    run_evaluate_base,
    run_tokenizer,
    run_train,
)
from scratchlm.tokenizer import TokenizerConfig
from scratchlm.tokenizer.counts import WordCounts
from scratchlm.tokenizer.train import build_counts, train_from_counts

KINDS: dict[str, dict[str, Any]] = {
    "bpe": {"kind": "bpe"},
    "frequency": {"kind": "wordpiece", "score": "frequency"},
    "likelihood": {"kind": "wordpiece", "score": "likelihood"},
}


def main() -> None:
    """Train them all and write `results/tokenizer_kinds.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--minutes", type=float, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        build_corpus(CorpusConfig(), corpus)
        recipe = freeze_recipe(corpus, arguments.minutes)
        options, tokens = train_tokenizers(corpus, recipe)
        work = {
            "corpus": sha256_file(corpus / "manifest.json"),
            "recipe": recipe.model_dump(mode="json"),
            "options": options,
            "training_tokens": tokens,
        }
        result = Result("tokenizer_kinds", work)
        for seed in arguments.seeds:
            for name in KINDS:
                steps = round(recipe.train.total_steps * tokens[name] / tokens["bpe"])
                own = adapt(recipe, options[name], steps, seed)
                row = {"tokenizer": name, "seed": seed}
                place = Path(folder) / f"{name}-{seed}"
                result.runs.append(row | measure(own, corpus, place))
                print(result.runs[-1], flush=True)
    claim(result)
    print(result.write())


def freeze_recipe(corpus: Path, minutes: float) -> Recipe:
    """Every choice made, for a machine of nominal speed."""
    draft = merge(read_packaged("laptop"), {"minutes": minutes})
    return resolve(draft, derive(draft, NOMINAL, count_facts(corpus)))


def train_tokenizers(
    corpus: Path, recipe: Recipe
) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """Options of each tokenizer, and the tokens it makes of the training text."""
    texts = [document.text for document in Corpus(corpus).train_documents()]
    kinds, tokens = {}, {}
    for name, options in KINDS.items():
        config = recipe.tokenizer.model_copy(update=options)
        counts = build_counts(config)
        counts.add_texts(texts)
        kinds[name] = dict(options)
        if name == "likelihood":
            kinds[name]["min_frequency"] = largest_filling_frequency(config, counts)
        tokenizer = train_from_counts(config.model_copy(update=kinds[name]), counts)
        tokens[name] = sum(map(len, tokenizer.encode_batch(texts)))
    return kinds, tokens


def largest_filling_frequency(config: TokenizerConfig, counts: WordCounts) -> int:
    """The largest `min_frequency` that leaves no slot of the vocabulary unused."""
    low, high = config.min_frequency, 1 << 12
    while high - low > 1:
        middle = (low + high) // 2
        tried = config.model_copy(update={"min_frequency": middle})
        if train_from_counts(tried, counts).n_unused:
            high = middle
        else:
            low = middle
    return low


def adapt(recipe: Recipe, options: dict[str, Any], steps: int, seed: int) -> Recipe:
    """The recipe with another tokenizer; its schedule is stretched with the steps."""
    share = steps / recipe.train.total_steps
    schedule = {
        key: max(1, round(getattr(recipe.train, key) * share))
        for key in ("warmup_steps", "decay_steps")
    }
    # one look at held-out text is enough; the figure comes from the evaluation
    schedule |= {"total_steps": steps, "hook_every_steps": steps, "seed": seed}
    return recipe.model_copy(
        update={
            "tokenizer": recipe.tokenizer.model_copy(update=options),
            "train": recipe.train.model_copy(update=schedule),
        }
    )


def measure(recipe: Recipe, corpus: Path, folder: Path) -> dict[str, Any]:
    """From the corpus to the base model; its bits per byte on held-out documents."""
    begun = time.perf_counter()
    places = {"corpus": corpus}
    stages = (
        ("tokenizer", run_tokenizer),
        ("data", run_data),
        ("train", run_train),
        ("evaluate_base", run_evaluate_base),
    )
    for name, run in stages:
        directory = folder / name
        directory.mkdir(parents=True)
        run(recipe, Context(directory, dict(places), folder / "metrics.jsonl"))
        places[name] = directory
    found = read_json(folder / "evaluate_base" / "evaluation.json")["bits_per_byte"]
    return {
        "steps": recipe.train.total_steps,
        "bits_per_byte": found["value"],
        "low": found["low"],
        "high": found["high"],
        "heldout_bytes": found["n_bytes"],
        "heldout_bytes_per_token": found["bytes_per_token"],
        "wall_s": round(time.perf_counter() - begun, 1),
    }


def claim(result: Result) -> None:
    """How WordPiece stands beside BPE, over all seeds."""
    means = {}
    for name in KINDS:
        rows = [row for row in result.runs if row["tokenizer"] == name]
        means[name] = sum(row["bits_per_byte"] for row in rows) / len(rows)
        result.claim(f"{name}_bits_per_byte", "> 0", means[name])
    for name in ("frequency", "likelihood"):
        # asked for is that they stand beside each other, whichever is better
        ratio = means[name] / means["bpe"]
        result.claim(f"{name}_over_bpe_bits_per_byte_ratio", "> 0", ratio)


if __name__ == "__main__":
    main()
