"""What happened to every file and document: counted, with named examples.

For each step `in = kept + dropped`, and each dropped thing has one reason. A
receipt holds no time, no duration and no absolute path: equal inputs, equal bytes.
"""

from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 20


@dataclass
class Drop:
    """How often one reason struck, and the first names it struck."""

    count: int = 0
    n_bytes: int = 0
    examples: list[Any] = field(default_factory=list)


@dataclass
class Step:
    """One step's account. `unit` says what is counted: files, rows, documents.

    `named` is the most names to keep for each reason; counts are always whole.
    """

    name: str
    unit: str = "documents"
    named: int = EXAMPLES
    kept: int = 0
    kept_bytes: int = 0
    dropped: dict[str, Drop] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def keep(self, n_bytes: int, count: int = 1) -> None:
        """Count what passes."""
        self.kept += count
        self.kept_bytes += n_bytes

    def drop(self, example: Any, reason: str, n_bytes: int = 0) -> None:
        """Count what is left out; `example` is its name, or a small mapping."""
        drop = self.dropped.setdefault(reason, Drop())
        drop.count += 1
        drop.n_bytes += n_bytes
        if len(drop.examples) < self.named:
            drop.examples.append(example)

    def add(self, other: "Step") -> None:
        """Take over what another step counted."""
        self.keep(other.kept_bytes, other.kept)
        for reason, theirs in other.dropped.items():
            drop = self.dropped.setdefault(reason, Drop())
            drop.count += theirs.count
            drop.n_bytes += theirs.n_bytes
            room = self.named - len(drop.examples)
            drop.examples += theirs.examples[:room]

    @property
    def n_dropped(self) -> int:
        """Number of things left out, whatever the reason."""
        return sum(drop.count for drop in self.dropped.values())

    def to_json(self) -> dict[str, Any]:
        """The account as JSON, reasons in alphabetical order."""
        return {
            "step": self.name,
            "unit": self.unit,
            "in": self.kept + self.n_dropped,
            "kept": self.kept,
            "kept_bytes": self.kept_bytes,
            "dropped": {
                reason: {
                    "count": drop.count,
                    "bytes": drop.n_bytes,
                    "examples": drop.examples,
                }
                for reason, drop in sorted(self.dropped.items())
            },
            **self.notes,
        }


@dataclass
class Receipt:
    """All steps of one build, in order."""

    steps: list[Step] = field(default_factory=list)

    def step(self, name: str, unit: str = "documents", named: int = EXAMPLES) -> Step:
        """Begin the next step."""
        step = Step(name, unit, named)
        self.steps.append(step)
        return step

    def main_reasons(self) -> str:
        """The most frequent reasons for leaving something out, for an error line."""
        counts: dict[str, int] = {}
        for step in self.steps:
            for reason, drop in step.dropped.items():
                counts[f"{reason} ({step.unit})"] = drop.count
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
        return ", ".join(f"{count} × {reason}" for reason, count in most)
