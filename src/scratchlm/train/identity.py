"""What the bits of a run depend on, and what follows where some of it has changed.

A checkpoint carries the identity of the run that wrote it. A run that goes on from it
under another identity is refused with the difference; with `--accept-changes` it goes
on, and what it no longer promises is said. Imports no torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from scratchlm import __version__
from scratchlm.base.config import Config
from scratchlm.base.errors import UserError
from scratchlm.base.processor import cpu_name, instruction_sets

OnChange = Literal["refuse", "accept", "restart"]
"""What to do where the identity is not the checkpoint's."""
FREE_SETTINGS = frozenset(
    {
        "train.checkpoint_every_steps",
        "train.checkpoints",
        "train.hook_every_steps",
        "train.tracking",
        "machine.ceiling_flops_per_s",
    }
)
"""Settings that change no bit of the weights: they may change at any time."""
PACKAGES = ("torch", "numpy")
PROMISES = {
    "model": "that one network made all of the steps",
    "train": "that running this recipe again gives the same weights",
    "machine": "the same last bits as an undisturbed run",
    "packages.scratchlm": "that one program made all of the steps",
    "packages": "the same last bits as an undisturbed run",
    "processor": "the same last bits as an undisturbed run",
}
"""What a change in a section, or of one value, takes away."""
TEXT_PROMISE = "that every text is read as often as planned"
LAST_BITS = frozenset({"train.micro_batch_size", "train.activation_checkpointing"})
"""Settings that change the order of a sum and not the mathematics."""
MOST_SHOWN = 12
_ABSENT = "absent"


@dataclass(frozen=True)
class Change:
    """One value that is not what it was."""

    name: str
    """Dotted: `train.matrix_lr`."""
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.name} {_show(self.before)} → {_show(self.after)}"

    @property
    def promise(self) -> str:
        """What can no longer be promised."""
        section = "machine" if self.name in LAST_BITS else self.name.partition(".")[0]
        return PROMISES.get(self.name) or PROMISES.get(section, TEXT_PROMISE)


@dataclass(frozen=True)
class Identity:
    """Everything that the bits of a run depend on, as nested JSON values."""

    values: Mapping[str, Any]

    def changes_since(self, earlier: Mapping[str, Any]) -> list[Change]:
        """What differs from the identity that a checkpoint carries."""
        return find_changes(earlier, self.values)


def describe_identity(
    settings: Mapping[str, Config | Mapping[str, Any]], inputs: Mapping[str, str]
) -> Identity:
    """Describe a run on this machine.

    Args:
        settings: configs by section: model, train, machine …
        inputs: hash of everything that is read, by name: data, tokenizer, base model.
    """
    values: dict[str, Any] = {
        section: settings_that_count(section, _as_json(config))
        for section, config in settings.items()
    }
    values["inputs"] = dict(inputs)
    values["packages"] = describe_packages()
    values["processor"] = describe_processor(values.get("machine", {}).get("device"))
    return Identity(values)


def settings_that_count(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A section's settings without those that change no bit of the weights."""
    return {
        name: value
        for name, value in values.items()
        if f"{section}.{name}" not in FREE_SETTINGS
    }


def describe_packages() -> dict[str, str]:
    """Versions of what computes."""
    found = {name: version(name) for name in PACKAGES}
    return {"scratchlm": __version__, **found}


def describe_processor(device: str | None = None) -> dict[str, str]:
    """Where the sums are made; of a GPU its name too."""
    found = {
        "name": cpu_name(),
        "instructions": " ".join(instruction_sets()),
        "MKL_CBWR": os.environ.get("MKL_CBWR", _ABSENT),  # chooses MKL's kernels
    }
    if device is not None and device.startswith("cuda"):
        import torch

        found["gpu"] = torch.cuda.get_device_name(device)
        found["cuda"] = str(torch.version.cuda)
    return found


def find_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Compare two nested mappings, value by value, in the order of their names."""
    old, new = dict(_flatten(before)), dict(_flatten(after))
    return [
        Change(name, old.get(name, _ABSENT), new.get(name, _ABSENT))
        for name in sorted(old | new)
        if old.get(name, _ABSENT) != new.get(name, _ABSENT)
    ]


def refuse_changes(changes: Sequence[Change], where: str) -> UserError:
    """The line that says what has changed, and what one can do."""
    return UserError(
        f"{where} was made under other conditions: {_list(changes)}; put them back, "
        "or give --accept-changes to go on (no longer promised: "
        f"{lost_promises(changes)}), or --restart to begin anew"
    )


def accepted_note(changes: Sequence[Change], where: str) -> str:
    """The line that says what was accepted, and what it costs."""
    return (
        f"{where} was made under other conditions, accepted: {_list(changes)}; no "
        f"longer promised: {lost_promises(changes)}"
    )


def lost_promises(changes: Sequence[Change]) -> str:
    """What can no longer be promised after these changes."""
    return "; ".join(dict.fromkeys(change.promise for change in changes))


def _as_json(config: Config | Mapping[str, Any]) -> Mapping[str, Any]:
    return config.model_dump(mode="json") if isinstance(config, Config) else config


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, list(value) if isinstance(value, tuple) else value


def _list(changes: Sequence[Change]) -> str:
    shown = ", ".join(map(str, changes[:MOST_SHOWN]))
    more = len(changes) - MOST_SHOWN
    return shown + (f" and {more} more" if more > 0 else "")


def _show(value: Any) -> str:
    text = str(value)
    is_hash = len(text) == 64 and all(c in "0123456789abcdef" for c in text)
    return f"{text[:12]}…" if is_hash else text
