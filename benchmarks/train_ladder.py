"""A ladder of small models predicts a larger one's loss: within its own interval?

SCRATCHLM_SHARED=… python benchmarks/train_ladder.py            # about half an hour
python benchmarks/train_ladder.py --target 3x64 --tokens-per-parameter 0.3 --seeds 1

The text of `data/pretrain`, or the embedded corpus without SCRATCHLM_SHARED; every
fiftieth document of 8,000 characters is held out. Rungs of the default recipe at the
target's tokens for each parameter are trained, a law is fitted, the prediction is
written with its time; only then is the target trained. Stopped and started again, it
goes on trial by trial.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from result import HERE, Result
from scratchlm.base.progress import Progress
from scratchlm.corpus import CorpusConfig, build_corpus
from scratchlm.data import DataConfig, build_shards
from scratchlm.data.store import read_index
from scratchlm.pipeline.ladder import (
    Climbed,
    check_ladder,
    climb_ladder,
    ladder_json,
)
from scratchlm.pipeline.ladder_plan import LadderPlan, plan_ladder
from scratchlm.pipeline.ladder_sheet import plan_table, write_ladder
from scratchlm.pipeline.process import prepare_process
from scratchlm.pipeline.trial_base import TrialBase, find_base
from scratchlm.pipeline.trial_shape import parse_shape, smaller_shapes
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.sheet import table_lines
from tokenizer_peers import read_documents, write_corpus

TARGET = "6x128"
TOKENS_PER_PARAMETER = 3.0
SEEDS = 2
VOCABULARY = 4096
HELD_OUT_EVERY = 50
TOKENIZER_DOCUMENTS = 2_000
"""Documents that the tokenizer is trained on, spread over the text: about 16 MB."""
FOLDER = HERE.parent / "build" / "ladder"
PRECISE = 0.05


def main() -> None:
    """Measure and write `results/train_ladder.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default=TARGET, metavar="LAYERSxWIDTH")
    parser.add_argument("--rungs", metavar="LxW,LxW,…", help="else six below it")
    ratio = "of blocks and head"
    parser.add_argument(
        "--tokens-per-parameter", type=float, default=TOKENS_PER_PARAMETER, help=ratio
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, help="trials a rung")
    parser.add_argument("--vocabulary", type=int, default=VOCABULARY)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--dry", action="store_true", help="write no result file")
    said = parser.parse_args()
    prepare_process()
    base = prepare(said.folder, said.vocabulary)
    plan = make_plan(base, said)
    for line in table_lines(plan_table(plan)):
        print(line)
    climbed, moments = measure(plan, said.folder / said.target)
    report(climbed, moments, said.dry)


def prepare(folder: Path, vocab_size: int) -> TrialBase:
    """Shards of the text with a tokenizer of their own, made once."""
    data = folder / f"data-{vocab_size}"
    if not (data / "shards.json").exists():
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            documents = list(read_text(Path(scratch)))
        train = [d for i, d in enumerate(documents) if i % HELD_OUT_EVERY]
        stride = max(1, len(train) // TOKENIZER_DOCUMENTS)
        config = TokenizerConfig(vocab_size=vocab_size)
        tokenizer = train_tokenizer(config, train[::stride])
        tokenizer.save(data / "tokenizer.json")
        splits = {"train": train, "heldout": documents[::HELD_OUT_EVERY]}
        build_shards(DataConfig(), splits, tokenizer, data)
    return find_base(str(data), Path("runs"), {})


def read_text(scratch: Path) -> Iterator[str]:
    """Documents of the shared text, or of the embedded corpus."""
    text = scratch / "text"
    if "SCRATCHLM_SHARED" in os.environ:
        write_corpus(text, 1 << 40)
    else:
        corpus = build_corpus(CorpusConfig(), scratch / "corpus")
        with text.open("w", encoding="utf-8", newline="") as file:
            file.writelines(f"{d.text}\n" for d in corpus.train_documents())
    yield from read_documents(text)


def make_plan(base: TrialBase, said: argparse.Namespace) -> LadderPlan:
    """Rungs and target."""
    goal = parse_shape(said.target)
    given = [parse_shape(text) for text in said.rungs.split(",")] if said.rungs else []
    return plan_ladder(
        base,
        given or smaller_shapes(base.model, goal),
        goal,
        tokens_per_parameter=said.tokens_per_parameter,
        n_seeds=said.seeds,
    )


def measure(plan: LadderPlan, out: Path) -> tuple[Climbed, dict[str, float]]:
    """Climb, predict, train the target; when each was done, by the files' times."""
    progress = Progress("ladder")
    climbed = climb_ladder(plan, out, progress)
    forecast = climbed.fit.forecast
    progress.note(
        f"predicted: {forecast.loss:.4f} nats a token, "
        f"{forecast.low:.4f} to {forecast.high:.4f}"
    )
    checked = check_ladder(climbed, out, progress)
    write_ladder(checked, out)
    progress.clear()
    assert checked.target is not None
    trained = out / "trials" / checked.target.key
    return checked, {
        "prediction_written": (out / "prediction.json").stat().st_mtime,
        "target_begun": (trained / "trial.json").stat().st_mtime,
        "target_done": (trained / "result.json").stat().st_mtime,
    }


def report(climbed: Climbed, moments: dict[str, float], dry: bool) -> None:
    """The result file."""
    plan = climbed.plan
    found = ladder_json(climbed)
    result = Result("train_ladder", describe_work(plan))
    result.runs += [{"kind": "rung", **rung} for rung in found["rungs"]]
    result.runs.append({"kind": "law", **found["law"]})
    result.runs.append({"kind": "prediction", **found["prediction"]})
    when = {name: round(moment, 1) for name, moment in moments.items()}
    result.runs.append({"kind": "target", **(found["target"] or {}), "times_s": when})
    forecast = climbed.fit.forecast
    first = moments["prediction_written"] <= moments["target_begun"]
    result.claim("prediction_within_its_interval", "== 1", bool(climbed.within))
    result.claim(
        "prediction_made_before_the_target_was_trained",
        "== 1",
        first and climbed.predicted_first,
    )
    half = (forecast.high - forecast.low) / 2 / forecast.loss
    result.claim("interval_half_width_frac", f"<= {PRECISE}", half)
    result.claim(
        "target_flops_over_highest_rung",
        ">= 2",
        found["prediction"]["compute_beyond_rungs"],
    )
    if dry:
        print(json.dumps(result.claims, indent=1))
        return
    print(result.write())


def describe_work(plan: LadderPlan) -> dict[str, Any]:
    """What is trained on what."""
    index = read_index(plan.base.data.directory)
    return {
        "data_sha256": plan.base.data.fingerprint,
        "tokenizer_sha256": index["tokenizer_sha256"],
        "train_tokens": index["splits"]["train"]["n_tokens"],
        "heldout_tokens": plan.target.trials[0].heldout_tokens,
        "target": plan.target.trials[0].model_dump(mode="json"),
        "tokens_per_parameter": plan.tokens_per_parameter,
        "seeds": len(plan.rungs[0].trials),
    }


if __name__ == "__main__":
    main()
