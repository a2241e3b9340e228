"""Kill −9 a training at random moments; damage its checkpoints; fill its disk.

python benchmarks/train_kill.py                  # 30 kills over six settings
python benchmarks/train_kill.py --kills 2        # twelve
python benchmarks/train_kill.py --only damage    # one part again, the others kept

Each setting is a recipe in small, trained by `scratchlm train` undisturbed and with
SIGKILLs (`scratchlm verify-resume` does the same on a recipe of one's own). Damage: one
bit in every region of a checkpoint's files, and every file cut, emptied, missing. Full:
a training on a disk of a few megabytes, then again with room. A part that was measured
on this commit and processor is not measured again.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from result import RESULTS, Result, commit, describe_machine
from scratchlm.base.config import parse_overrides
from scratchlm.pipeline.process import prepare_process

SETTINGS = {
    "muon_float32_dropout_accumulation": (
        "laptop",
        "model.dropout=0.1 train.batch_size=32 train.micro_batch_size=8",
    ),
    "adamw_bfloat16_dropout": (
        "modern",
        "train.optimizer=adamw machine.dtype=bfloat16 model.dropout=0.1",
    ),
    "normuon_cosine_packed_documents": (
        "laptop",
        "train.muon_row_variance=true train.cautious_decay=true train.schedule=cosine "
        "train.weight_decay=0.1 train.packing=documents train.document_mask=true",
    ),
    "soap_classic_tied": ("classic", "train.optimizer=soap model.dropout=0.1"),
    "experts_windows_growing_batch": (
        "laptop",
        "model.n_experts=8 model.n_shared_experts=1 model.attention_window=128 "
        "model.value_embeddings=alternate model.residual_scalars=true "
        "train.batch_size=32 train.micro_batch_size=8 train.batch_stages=[[100,8]]",
    ),
    "muon_float16_loss_scale": (
        "laptop",
        "machine.dtype=float16 train.batch_size=16 train.micro_batch_size=8",
    ),
}
PACKAGES = ("torch", "numpy", "safetensors")
REGIONS = 400
"""Places of a file in which one bit is turned, spread evenly over its bytes."""
SMALL_DISK = """
mount -t tmpfs -o size=5m none "$0" || exit 1
"$@"; first=$?
mount -o remount,size=200m "$0" || exit 1
"$@"; second=$?
cp -r "$0/out" "$0.kept"
echo "$first $second"
"""
"""A training on a disk of five megabytes, then the same command with room."""


def main() -> None:
    """Measure and write `results/train_kill.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5, help="for each setting")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    parser.add_argument("--only", help="measure this part again, whatever is known")
    arguments = parser.parse_args()
    prepare_process()
    parts = known_parts()
    for name in [*SETTINGS, "damage", "full_disk", "blocking"]:
        wanted = arguments.only in (None, name)
        if wanted and (name not in parts or arguments.only == name):
            print(f"{name} …", flush=True)
            parts[name] = measure(name, arguments.kills, arguments.seed)
            collect(parts).keep(PACKAGES)
    print(collect(parts).write(PACKAGES))


def known_parts() -> dict[str, dict[str, Any]]:
    """What was measured before on this commit and processor."""
    path = RESULTS / "train_kill.json"
    if not path.exists():
        return {}
    before = json.loads(path.read_text())
    same = before["commit"] == commit()
    if not same or before["machine"]["cpu"] != describe_machine()["cpu"]:
        return {}
    return {found["part"]: found for found in before["runs"]}


def measure(name: str, n_kills: int, seed: int | None) -> dict[str, Any]:
    """One part, by its name."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scratchlm-kill-") as place:
        if name in SETTINGS:
            found = kill_training(name, Path(place), n_kills, seed)
        else:
            parts = {"damage": damage, "full_disk": fill_disk, "blocking": block}
            found = parts[name](Path(place))
    return {"part": name, **found, "wall_s": round(time.monotonic() - begun, 1)}


def kill_training(
    name: str, place: Path, n_kills: int, seed: int | None
) -> dict[str, Any]:
    """Train a setting in small with kills; compare with the undisturbed training."""
    from scratchlm.pipeline.verify_resume import prove_resume

    target, words = SETTINGS[name]
    seed = time.time_ns() if seed is None else seed
    overrides = parse_overrides(words.split())
    found = prove_resume(target, overrides, place, place, n_kills=n_kills, seed=seed)
    for line in found.lines():
        print(f"  {line}", flush=True)
    return {
        "recipe": target,
        "overrides": words,
        "seed": seed,
        "steps": found.recipe.train.total_steps,
        "parameters": found.recipe.model.n_parameters,
        "kills": [kill.__dict__ for kill in found.kills],
        "files": found.n_files,
        "rows": found.n_rows,
        "differing": found.differing,
    }


def damage(place: Path) -> dict[str, Any]:
    """Damage each file of a checkpoint in every region; how often is it loaded?"""
    path = write_sample(place, 200_000)
    cases, loaded = dict[str, int](), list[str]()
    for file in sorted(path.iterdir()):
        data = file.read_bytes()
        for what, content in damaged(data):
            if content is None:
                file.unlink()
            else:
                file.write_bytes(content)
            cases[file.name] = cases.get(file.name, 0) + 1
            if is_loaded(path):
                loaded.append(f"{file.name}: {what}")
        file.write_bytes(data)
    assert is_loaded(path), "what was put back is whole"
    sizes = {file.name: file.stat().st_size for file in path.iterdir()}
    return {"cases": cases, "bytes": sizes, "loaded": loaded}


def damaged(data: bytes) -> Iterator[tuple[str, bytes | None]]:
    """A file with one bit turned in every region, cut, lengthened, empty, gone."""
    chance = random.Random(len(data))
    stride = max(len(data) // REGIONS, 1)
    for start in range(0, len(data), stride):
        at = min(start + chance.randrange(stride), len(data) - 1)
        turned = bytearray(data)
        turned[at] ^= 1 << chance.randrange(8)
        yield f"bit in byte {at}", bytes(turned)
    for length in (0, 1, len(data) // 2, len(data) - 1):
        yield f"cut to {length}", data[:length]
    yield "one byte more", data + b"\0"
    yield "gone", None


def write_sample(place: Path, n_weights: int) -> Path:
    """A checkpoint with weights and the state of AdamW."""
    import torch

    from scratchlm.train.checkpoint_files import Checkpoint, Stamp, write_checkpoint

    shape = (n_weights // 200, 200)
    weights = {"w": torch.randn(shape), "b": torch.randn(7).bfloat16()}
    moments = {"w.mean": torch.randn(shape), "w.square": torch.rand(shape)}
    tensors = {"weights": weights, "optimizer": moments}
    state = {"loss": 1.25, "guard": {"losses": [0.1] * 128}}
    return write_checkpoint(place, Checkpoint(7, tensors, state), Stamp(0.5))


def is_loaded(path: Path) -> bool:
    """Whether a checkpoint passes for whole."""
    from scratchlm.train.checkpoint_files import DamagedError, read_checkpoint

    try:
        read_checkpoint(path)
    except DamagedError:
        return False
    return True


def fill_disk(place: Path) -> dict[str, Any]:
    """Train on a disk that is too small; then give it room and call again."""
    from scratchlm.pipeline.small_training import SmallTraining
    from scratchlm.pipeline.verify_resume import Verification, compare_trainings

    training = SmallTraining(place, {}, total_steps=60, save_every=5)
    training.prepare()
    undisturbed = training.finish("undisturbed")
    disk = place / "disk"
    disk.mkdir()
    command = training.command(disk / "out")
    words = ["unshare", "-rm", "sh", "-c", SMALL_DISK, str(disk), *command]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError:
        return {"why": "this system has no unshare(1)"}
    if not done.stdout.splitlines():
        return {"why": "this system lets nobody mount a small disk"}
    first, second = (int(word) for word in done.stdout.splitlines()[-1].split())
    found = Verification(training.recipe)
    compare_trainings(found, undisturbed, place / "disk.kept")
    lines = [line for line in done.stderr.splitlines() if line.startswith("scratchlm")]
    said = lines[0].replace(str(place), "…") if lines else ""
    return {
        "status_when_full": first,
        "said": said,
        "lines_said": len(lines),
        "traceback": "Traceback" in done.stderr,
        "status_with_room": second,
        "files": found.n_files,
        "rows": found.n_rows,
        "differing": found.differing,
    }


def block(place: Path) -> dict[str, Any]:
    """How long `save` keeps the training waiting, beside how long the write takes."""
    import torch

    from scratchlm.train.checkpoint_files import Checkpoint
    from scratchlm.train.checkpoint_policy import CheckpointPolicy
    from scratchlm.train.checkpoint_store import CheckpointStore

    tensors = {f"w{i}": torch.randn(1_000_000) for i in range(36)}  # 12M and AdamW
    rows: dict[str, list[float]] = {"blocked_s": [], "written_s": []}
    with CheckpointStore(place / "c", CheckpointPolicy()) as store:
        for step in range(6):
            begun = time.perf_counter()
            store.save(Checkpoint(step, {"all": tensors}))
            rows["blocked_s"].append(round(time.perf_counter() - begun, 4))
            store.wait()
            rows["written_s"].append(round(time.perf_counter() - begun, 4))
    return {"bytes": 36 * 4_000_000, **rows}


def collect(parts: dict[str, dict[str, Any]]) -> Result:
    """Claims for what was measured so far; for the rest, that it was not."""
    work = {"settings": {name: " ".join(words) for name, words in SETTINGS.items()}}
    result = Result("train_kill", work)
    result.runs += list(parts.values())
    trained = [parts[name] for name in SETTINGS if name in parts]
    if len(trained) == len(SETTINGS):
        n_kills = sum(len(found["kills"]) for found in trained)
        differing = sum(len(found["differing"]) for found in trained)
        result.claim("kills_at_random_moments", ">= 30", n_kills)
        result.claim("files_and_figures_differing_after_kills", "== 0", differing)
    else:
        for name, goal in (
            ("kills_at_random_moments", ">= 30"),
            ("files_and_figures_differing_after_kills", "== 0"),
        ):
            result.absent(name, goal, "some settings have not been measured yet")
    claim_damage(result, parts.get("damage"))
    claim_disk(result, parts.get("full_disk"))
    return result


def claim_damage(result: Result, found: dict[str, Any] | None) -> None:
    """How often a damaged checkpoint passed for whole."""
    name, goal = "damaged_checkpoints_loaded_silently", "== 0"
    if found is None:
        result.absent(name, goal, "not measured yet")
        return
    result.claim("damages_tried", ">= 1000", sum(found["cases"].values()))
    result.claim(name, goal, len(found["loaded"]))


def claim_disk(result: Result, found: dict[str, Any] | None) -> None:
    """Whether a full disk stops a run in one line and harms nothing."""
    name, goal = "full_disk_stops_cleanly_and_resumes_to_the_same_bits", "== 1"
    if found is None or "why" in found:
        result.absent(name, goal, (found or {}).get("why", "not measured yet"))
        return
    clean = found["status_when_full"] == 2 and found["lines_said"] == 1
    same = found["status_with_room"] == 0 and not found["differing"] and found["files"]
    result.claim(name, goal, bool(clean and same and not found["traceback"]))


if __name__ == "__main__":
    main()
