"""What happened to every file and document: counted by step, source and reason.

For each step `in = kept + dropped + failed`, and each thing left out has one reason
and, if it is among the sampled, an example. Receipts of shards add up to the
receipt of the corpus in any order: examples are those with the smallest hashes. A
receipt holds no time, no duration and no absolute path: equal inputs, equal bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 20


@dataclass
class Drop:
    """How often one reason struck, and a sample of what it struck."""

    count: int = 0
    n_bytes: int = 0
    failed: bool = False
    by_hash: dict[bytes, Any] = field(default_factory=dict)

    def add_example(self, example: Any, most: int) -> None:
        """Keep an example if its hash is among the `most` smallest."""
        text = _shown(example).encode("utf-8", "replace")
        digest = hashlib.blake2b(text, digest_size=8)
        self.by_hash[digest.digest()] = example
        if len(self.by_hash) > most:
            del self.by_hash[max(self.by_hash)]

    @property
    def examples(self) -> list[Any]:
        """The examples, in an order that depends on them alone."""
        return sorted(self.by_hash.values(), key=_shown)


@dataclass
class Tally:
    """What one step did to the documents of one source."""

    kept: int = 0
    kept_bytes: int = 0
    bytes_in: int = 0
    dropped: int = 0
    failed: int = 0
    changed: int = 0

    @property
    def came_in(self) -> int:
        """All that the step saw."""
        return self.kept + self.dropped + self.failed

    def to_json(self) -> dict[str, int]:
        """The counts by name."""
        return {
            "in": self.came_in,
            "kept": self.kept,
            "dropped": self.dropped,
            "failed": self.failed,
            "changed": self.changed,
            "bytes_in": self.bytes_in,
            "bytes_out": self.kept_bytes,
        }


@dataclass
class Step:
    """One step's account. `unit` says what is counted: files, records, documents.

    `named` is the most examples to keep for each reason; counts are always whole.
    Values of `notes` that are numbers add up when receipts do; mappings of them too.
    """

    name: str
    unit: str = "documents"
    named: int = EXAMPLES
    sources: dict[str, Tally] = field(default_factory=dict)
    dropped: dict[str, Drop] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def keep(
        self,
        n_bytes: int,
        count: int = 1,
        *,
        source: str = "",
        bytes_in: int | None = None,
        changed: int = 0,
    ) -> None:
        """Count what passes; `bytes_in` where the step made it longer or shorter."""
        tally = self.sources.setdefault(source, Tally())
        tally.kept += count
        tally.kept_bytes += n_bytes
        tally.bytes_in += n_bytes if bytes_in is None else bytes_in
        tally.changed += changed

    def drop(
        self,
        example: Any,
        reason: str,
        n_bytes: int = 0,
        *,
        source: str = "",
        failed: bool = False,
    ) -> None:
        """Count what is left out; `example` is its name, or a small JSON mapping."""
        tally = self.sources.setdefault(source, Tally())
        tally.bytes_in += n_bytes
        if failed:
            tally.failed += 1
        else:
            tally.dropped += 1
        drop = self.dropped.setdefault(reason, Drop(failed=failed))
        drop.count += 1
        drop.n_bytes += n_bytes
        drop.add_example(example, self.named)

    def add(self, other: "Step") -> None:
        """Take over what another step counted."""
        for name, theirs in other.sources.items():
            tally = self.sources.setdefault(name, Tally())
            for key, value in vars(theirs).items():
                setattr(tally, key, getattr(tally, key) + value)
        for reason, their in other.dropped.items():
            drop = self.dropped.setdefault(reason, Drop(failed=their.failed))
            drop.count += their.count
            drop.n_bytes += their.n_bytes
            for example in their.examples:
                drop.add_example(example, self.named)
        self.notes = _add_notes(self.notes, other.notes)

    @property
    def kept(self) -> int:
        """Number of things that passed."""
        return sum(tally.kept for tally in self.sources.values())

    @property
    def kept_bytes(self) -> int:
        """Bytes of what passed, as it left the step."""
        return sum(tally.kept_bytes for tally in self.sources.values())

    @property
    def n_dropped(self) -> int:
        """Number of things left out, whatever the reason."""
        return sum(drop.count for drop in self.dropped.values())

    def to_json(self) -> dict[str, Any]:
        """The account as JSON, reasons and sources in alphabetical order."""
        total = Tally()
        for tally in self.sources.values():
            for key, value in vars(tally).items():
                setattr(total, key, getattr(total, key) + value)
        return {
            "step": self.name,
            "unit": self.unit,
            **({"named": self.named} if self.named != EXAMPLES else {}),
            **total.to_json(),
            "kept_bytes": self.kept_bytes,
            "reasons": {
                reason: {
                    "count": drop.count,
                    "bytes": drop.n_bytes,
                    **({"failed": True} if drop.failed else {}),
                    "examples": drop.examples,
                }
                for reason, drop in sorted(self.dropped.items())
            },
            "sources": {
                name: tally.to_json() for name, tally in sorted(self.sources.items())
            },
            "notes": dict(sorted(self.notes.items())),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Step":
        """Read what `to_json` gave."""
        named = value.get("named", EXAMPLES)
        step = cls(value["step"], value["unit"], named, notes=dict(value["notes"]))
        for name, counts in value["sources"].items():
            step.sources[name] = Tally(
                kept=counts["kept"],
                kept_bytes=counts["bytes_out"],
                bytes_in=counts["bytes_in"],
                dropped=counts["dropped"],
                failed=counts["failed"],
                changed=counts["changed"],
            )
        for reason, entry in value["reasons"].items():
            drop = Drop(entry["count"], entry["bytes"], entry.get("failed", False))
            for example in entry["examples"]:
                drop.add_example(example, named)
            step.dropped[reason] = drop
        return step


@dataclass
class Receipt:
    """All steps of one build, in order."""

    steps: list[Step] = field(default_factory=list)

    def step(self, name: str, unit: str = "documents", named: int = EXAMPLES) -> Step:
        """The step of that name: the one there is, or a new one at the end."""
        for step in self.steps:
            if step.name == name:
                return step
        self.steps.append(Step(name, unit, named))
        return self.steps[-1]

    def add(self, other: "Receipt") -> None:
        """Take over all steps of another receipt."""
        for step in other.steps:
            self.step(step.name, step.unit, step.named).add(step)

    def to_json(self) -> list[dict[str, Any]]:
        """All steps as JSON."""
        return [step.to_json() for step in self.steps]

    @classmethod
    def from_json(cls, steps: list[dict[str, Any]]) -> "Receipt":
        """Read what `to_json` gave."""
        return cls([Step.from_json(step) for step in steps])

    def main_reasons(self) -> str:
        """The most frequent reasons for leaving something out, for an error line."""
        counts: dict[str, int] = {}
        for step in self.steps:
            for reason, drop in step.dropped.items():
                name = f"{reason} ({step.unit})"
                counts[name] = counts.get(name, 0) + drop.count
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
        return ", ".join(f"{count} × {reason}" for reason, count in most)


def _shown(example: Any) -> str:
    return json.dumps(example, sort_keys=True, ensure_ascii=False)


def _add_notes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers add up, mappings entry by entry; of anything else the first stays."""
    total = dict(ours)
    for key, value in theirs.items():
        if key not in total:
            total[key] = value
        elif isinstance(value, Mapping):
            total[key] = _add_notes(total[key], value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            total[key] = total[key] + value
    return total
