"""A checkpoint on the disk: one folder, every byte of which is under a checksum.

    step_000500/
      weights.safetensors     one file for each section of tensors
      optimizer.safetensors
      state.json              step, sections, metric, identity, the caller's state
      SHA256SUMS              of all of the above, as `sha256sum --check` reads it

A folder is whole if its name says the step that `state.json` says, and `SHA256SUMS`
is, byte for byte, what the files give. The folder appears under its name only when
all of it has reached the disk.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from scratchlm.base.atomic import atomic_directory
from scratchlm.base.hashing import sha256_bytes, sha256_file
from scratchlm.train.checkpoint_folders import STATE, folder_name

SUMS = "SHA256SUMS"
FORMAT = "scratchlm-checkpoint-1"
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""Types of tensors by their names in a safetensors header."""


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on."""

    step: int
    """Optimizer steps that are done."""
    tensors: Mapping[str, Mapping[str, Tensor]]
    """Sections ("weights", "optimizer" …) of tensors by name."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """Everything else, as JSON values: loss, position, guard, loss scale …"""


@dataclass(frozen=True)
class Stamp:
    """What a checkpoint says of itself beside its content."""

    metric: float | None = None
    """Validation figure, lower is better."""
    identity: Mapping[str, Any] | None = None
    """What the run depended on, see `identity.py`."""
    history: tuple[str, ...] = ()
    """Changes that were accepted on the way here, one line each."""


class DamagedError(Exception):
    """A checkpoint is not whole; the message names the file and what is wrong."""


def write_checkpoint(directory: Path, checkpoint: Checkpoint, stamp: Stamp) -> Path:
    """Write a checkpoint of tensors in main memory; returns its folder.

    Raises:
        UserError: the disk is full or not writable; nothing under the final name.
    """
    path = directory / folder_name(checkpoint.step)
    state = {
        "format": FORMAT,
        "step": checkpoint.step,
        "sections": list(checkpoint.tensors),
        **vars(stamp),
        "state": dict(checkpoint.state),
    }
    text = json.dumps(state, indent=1, ensure_ascii=False) + "\n"
    with atomic_directory(path) as temporary:
        sums = {
            _file_name(section): _write_tensors(temporary / _file_name(section), held)
            for section, held in checkpoint.tensors.items()
        }
        (temporary / STATE).write_bytes(text.encode())
        sums[STATE] = sha256_bytes(text.encode())
        (temporary / SUMS).write_bytes(_render(sums))
    return path


def read_checkpoint(path: Path) -> tuple[Checkpoint, Stamp]:
    """Read a checkpoint after every byte of it has been checked.

    Raises:
        DamagedError: some byte is not what was written.
    """
    values = _verified_state(path)
    tensors = {
        section: load_file(path / _file_name(section)) for section in values["sections"]
    }
    checkpoint = Checkpoint(values["step"], tensors, values["state"])
    history = tuple(values["history"])
    return checkpoint, Stamp(values["metric"], values["identity"], history)


def _verified_state(path: Path) -> dict[str, Any]:
    data = _read(path / STATE)
    try:
        values: dict[str, Any] = json.loads(data)
        known = values["format"] == FORMAT
        names = [_file_name(section) for section in values["sections"]]
    except (ValueError, KeyError, TypeError):
        raise DamagedError(f"{STATE} is damaged or of another version") from None
    if not known:
        raise DamagedError(f"{STATE} is of another version")
    sums = {name: _hash(path / name) for name in names}
    said = _read(path / SUMS)
    if said != _render({**sums, STATE: sha256_bytes(data)}):
        raise DamagedError(_find_difference(said, {**sums, STATE: sha256_bytes(data)}))
    if path.name != folder_name(values["step"]):
        raise DamagedError(f"{STATE} is of step {values['step']}")
    return values


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write a safetensors file; returns its SHA-256.

    Bytes are hashed as they leave, not as they are found again, and in pieces for
    which the interpreter's lock is free: training goes on beside.
    Source: github.com/huggingface/safetensors, section "Format".
    """
    # wide types first: every tensor begins at a multiple of its type's size
    names = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    ordered = {name: tensors[name] for name in names}
    digest = hashlib.sha256()
    with path.open("wb", buffering=0) as file:
        for piece in (_header(ordered), *map(_as_bytes, ordered.values())):
            digest.update(piece)
            written = 0
            while written < len(piece):
                written += file.write(piece[written:])
    return digest.hexdigest()


def _header(tensors: Mapping[str, Tensor]) -> memoryview:
    entries, at = {}, 0
    for name, tensor in tensors.items():
        end = at + tensor.nbytes
        entries[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # data begin at a multiple of 8
    return memoryview(len(text).to_bytes(8, "little") + text)


def _as_bytes(tensor: Tensor) -> memoryview:
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return memoryview(flat.numpy().data)


def _file_name(section: str) -> str:
    return f"{section}.safetensors"


def _render(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()


def _find_difference(said: bytes, sums: Mapping[str, str]) -> str:
    lines = set(said.decode(errors="replace").splitlines())
    for name in sorted(sums):
        if f"{sums[name]}  {name}" not in lines:
            return f"{name} does not have the checksum that {SUMS} gives"
    return f"{SUMS} is damaged"


def _hash(path: Path) -> str:
    try:
        return sha256_file(path)
    except (OSError, ValueError):
        raise DamagedError(f"{path.name} is missing") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise DamagedError(f"{path.name} is missing") from None
