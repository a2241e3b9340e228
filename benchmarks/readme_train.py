"""What README and the training chapter say of the training benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHAPES = {
    "12m-256": "12 M parameters, 256 tokens",
    "12m-512": "12 M, 512 tokens",
    "30m-512": "30 M, 512 tokens",
}


SAME, OWN = "same_parameters_vs_nanogpt", "own_shape_vs_nanogpt"


def train_lines(results: Mapping[str, Any]) -> str:
    """How fast training is beside its peers, in a few lines; nothing unmeasured."""
    lines = []
    for name, sentence in (
        ("train_speed", speed_line),
        ("train_time_to_loss", time_line),
    ):
        if name in results:
            lines.append(f"- {sentence(results[name])}")
    return "\n".join(lines)


def speed_line(result: Mapping[str, Any]) -> str:
    """Tokens a second at equal mathematics."""
    value = _values(result)

    def figures(what: str) -> list[float]:
        found = [value[f"{shape.replace('-', '_')}_{what}"] for shape in SHAPES]
        return [figure for figure in found if figure is not None]

    def times(what: str) -> str:
        found = figures(what)
        most = f" to {max(found):.2g}" if len(found) > 1 else ""
        return f"{min(found):.2g}{most} times"

    used = figures("utilisation_frac")
    kind = result["work"]["instruction_set"]
    return (
        f"GPT-2's shape on {_machine(result)} ({kind}), the "
        f"same batches and losses: {times('vs_nanogpt_float32')} as fast as nanoGPT as "
        f"it comes, {times('vs_nanogpt_best')} as fast as its best mode with our "
        f"allocator setting and compiled; {min(used):.0%} of what "
        "the model's own matrix products reach alone."
    )


def time_line(result: Mapping[str, Any]) -> str:
    """Time to the same bits per byte."""
    value = _values(result)

    def share(what: str) -> str:
        found = [value.get(f"{size}_{what}_time_ratio") for size in ("4m", "12m")]
        seen = [f"1/{1 / ratio:.2g}" for ratio in found if ratio is not None]
        return " and ".join(seen) or "not measured"

    sizes = [s for s in ("4m", "12m") if value.get(f"{s}_{SAME}_time_ratio")]
    named = " and ".join(f"{size[:-1]} M" for size in sizes)
    return (
        "To the bits per byte that nanoGPT reaches in "
        f"{result['work']['peers_s']:.0f} s, its batch and learning rate tuned: "
        f"{share(SAME)} of its time at {named} parameters, with as many parameters "
        f"and the same batch; {share(OWN)} in the shape that the recipe chooses. To "
        f"what nanochat reaches: {share('vs_nanochat')}."
    )


def _values(result: Mapping[str, Any]) -> dict[str, Any]:
    return {claim["claim"]: claim["value"] for claim in result["claims"]}


def _machine(result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    return f"{machine['cores']} cores of an {machine['cpu']}"
