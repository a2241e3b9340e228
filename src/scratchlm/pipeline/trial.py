"""One trial: a small pretraining by the real loop, and its loss on held-out text.

A trial is a function of its settings and of the data alone. Its folder is named by the
hash of both, so that a trial that was once finished is read, not repeated, whoever asks
for it; one that was interrupted goes on at its last checkpoint.

    trials/<key>/
        trial.json      settings and data
        metrics.jsonl   one row a step; the only file that knows a clock
        result.json     held-out loss; it comes last, so it means done
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scratchlm import __version__
from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.config import Config, build_config
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.base.progress import SILENT, Progress
from scratchlm.model.config import ModelConfig
from scratchlm.plan.flops import estimate_training_flops
from scratchlm.plan.parameters import count_multiplied
from scratchlm.train.config import TrainConfig

RESULT = "result.json"
KEY_CHARACTERS = 16


class TrialConfig(Config):
    """Everything that decides a trial but the data."""

    model: ModelConfig
    """Shape of the network."""
    train: TrainConfig
    """Length, batch, optimizer, seed."""
    machine: MachineConfig = MachineConfig()
    """Device, precision, threads: they change the last bits."""
    heldout_tokens: int = 1 << 16
    """Tokens of held-out text that are predicted at the end, about."""

    @property
    def flops_per_token(self) -> float:
        """Training FLOPs a token."""
        return estimate_training_flops(self.model, self.train.context_length)

    @property
    def flops(self) -> float:
        """Training FLOPs of the whole trial."""
        return self.flops_per_token * self.train.total_tokens


class TrialResult(Config):
    """How a trial ended."""

    key: str
    """Hash of its settings and data."""
    loss: float | None
    """Held-out loss in nats a token; None where it blew up."""
    bits_per_byte: float | None
    """The same in bits for a byte of text."""
    heldout_tokens: int
    """Tokens that were predicted."""
    n_parameters: int
    """All parameters."""
    n_multiplied: int
    """Weights of blocks and head: the N of 6 N D."""
    tokens: int
    """Tokens trained on."""
    flops: float
    """Training FLOPs."""
    failure: str = ""
    """Why there is no loss."""


@dataclass(frozen=True)
class TrialData:
    """Shards with a train and a heldout split, and the tokenizer that made them."""

    directory: Path
    tokenizer: Path
    vocab_size: int
    n_train_tokens: int
    fingerprint: str


def open_trial_data(directory: Path, tokenizer: Path | None = None) -> TrialData:
    """Look at shards and find their tokenizer.

    Args:
        directory: holds `shards.json`.
        tokenizer: its file; without it, one beside the data or in the data's run.

    Raises:
        UserError: no data, too little of it, no tokenizer, or another one's.
    """
    from scratchlm.data import TokenStore
    from scratchlm.tokenizer import Tokenizer

    train, heldout = (TokenStore.open(directory, s) for s in ("train", "heldout"))
    path = tokenizer or _find_tokenizer(directory)
    loaded = Tokenizer.load(path)
    if loaded.sha256 != train.tokenizer_sha256:
        raise UserError(
            f"{path} is not the tokenizer that made {directory}: give that one with "
            "--tokenizer"
        )
    if not len(heldout):
        raise UserError(f"{directory} holds no text out: nothing to measure on")
    both = sha256_json([train.fingerprint, heldout.fingerprint])
    return TrialData(directory, path, loaded.vocab_size, len(train), both)


def trial_key(config: TrialConfig, data: TrialData) -> str:
    """Hash of a trial's settings, its data and the version of this program."""
    values = [__version__, data.fingerprint, config.model_dump(mode="json")]
    return sha256_json(values)[:KEY_CHARACTERS]


def read_trial(
    config: TrialConfig, data: TrialData, trials: Path
) -> TrialResult | None:
    """The result of a trial that is finished, else None."""
    path = trials / trial_key(config, data) / RESULT
    if not path.exists():
        return None
    return build_config(TrialResult, read_json(path), str(path))


def finish_trial(
    config: TrialConfig, data: TrialData, trials: Path, progress: Progress = SILENT
) -> TrialResult:
    """Train and measure, or read what was measured before.

    Args:
        config: what to train.
        data: what on.
        trials: folder of all trials.
        progress: told about the steps.

    Raises:
        UserError: whatever the loop raises but the guard's stop: a run that blows up
            is a result too.
    """
    known = read_trial(config, data, trials)
    if known is not None:
        return known
    key = trial_key(config, data)
    folder = trials / key
    asked = {"data": data.fingerprint, **config.model_dump(mode="json")}
    write_json(folder / "trial.json", asked)
    failure = _train(config, data, folder, progress)
    loss, bits, n_tokens = _measure(config, data, folder, failure)
    result = TrialResult(
        key=key,
        loss=loss,
        bits_per_byte=bits,
        heldout_tokens=n_tokens,
        n_parameters=config.model.n_parameters,
        n_multiplied=count_multiplied(config.model),
        tokens=config.train.total_tokens,
        flops=config.flops,
        failure=failure,
    )
    write_json(folder / RESULT, result.model_dump(mode="json"))
    for name in ("model", "checkpoints"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return result


def read_speed(trials: Path, key: str) -> float | None:
    """Median training speed of a trial in tokens/s; None without a metric."""
    rows = read_metrics(trials / key / "metrics.jsonl")
    speeds = [r["train/tokens_per_s"] for r in rows if "train/tokens_per_s" in r]
    return median(speeds) if speeds else None


def _train(
    config: TrialConfig, data: TrialData, folder: Path, progress: Progress
) -> str:
    """Train to `folder/model`; why the guard stopped it, if it did."""
    from scratchlm.train.pretraining import pretrain

    if (folder / "model" / "model.safetensors").exists():
        return ""  # killed after the training, before the result
    with MetricsWriter(folder / "metrics.jsonl", "train") as metrics:
        try:
            pretrain(
                config.train,
                config.model,
                data.directory,
                folder,
                config.machine,
                metrics=metrics,
                progress=progress,
            )
        except UserError:
            reason = _why_stopped(folder)
            if reason is None:
                raise
            return reason
    return ""


def _why_stopped(folder: Path) -> str | None:
    """What the guard said when it stopped the run; None where it did not."""
    for path in sorted(folder.glob("events/*/event.json")):
        event = read_json(path)
        if event.get("action") == "stop":
            return str(event.get("reason", "stopped by the guard"))
    return None


def _measure(
    config: TrialConfig, data: TrialData, folder: Path, failure: str
) -> tuple[float | None, float | None, int]:
    from scratchlm.pipeline.heldout import measure_heldout

    if failure:
        return None, None, 0
    found = measure_heldout(
        folder / "model",
        data.directory,
        data.tokenizer,
        config.train.context_length,
        config.heldout_tokens,
        config.machine,
    )
    if not math.isfinite(found.loss):
        return None, None, found.n_tokens
    return found.loss, found.bits_per_byte, found.n_tokens


def _find_tokenizer(data: Path) -> Path:
    places = (data, data.parent / "tokenizer", data.parent)
    for path in (place / "tokenizer.json" for place in places):
        if path.is_file():
            return path
    raise UserError(
        f"{data} stands alone: name the file of its tokenizer with --tokenizer"
    )
