"""What this machine is, what that means for training here, and what to install.

Every finding is one `Check`: what was found, what it means, and the remedy where there
is one. The last checks are a trial, not a reading: twenty training steps on the CPU
and on the chosen device (`doctor_trial`). A device that computes something else than
the CPU is refused, for a run on it would be lost without a message.

Imports no torch until it looks for it: a machine without torch gets one line about it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scratchlm import native
from scratchlm.base.device import available_threads
from scratchlm.base.machine import MachineConfig
from scratchlm.base.units import format_bytes
from scratchlm.pipeline.manifest import cpu_name
from scratchlm.pipeline.preflight import available_memory_bytes

Status = Literal["ok", "note", "warning", "refused"]

LEAST_PYTHON = (3, 11)
JOURNEY_MEMORY_BYTES = 3_000_000_000
JOURNEY_DISK_BYTES = 2_000_000_000
COMPILERS = ("c++", "g++", "clang++", "cl")
CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon", "bf16", "sve")


@dataclass(frozen=True)
class Check:
    """One finding: all but ``status`` are sentences for a person."""

    name: str
    status: Status
    found: str
    meaning: str
    remedy: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All findings of one examination."""

    checks: tuple[Check, ...]
    device: str
    """The device that the trial was about."""

    @property
    def refused(self) -> bool:
        """Whether training on this device must not be started."""
        return any(check.status == "refused" for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0, or 1 where something was refused."""
        return 1 if self.refused else 0

    def lines(self) -> Iterator[str]:
        """The findings for a terminal of 80 columns, and the verdict."""
        for check in self.checks:
            first = f"{check.status:<8} {check.name}: {check.found}"
            yield from textwrap.wrap(first, 80, subsequent_indent=" " * 9)
            yield from _indented(check.meaning)
            if check.remedy:
                yield from _indented(f"→ {check.remedy}")
        if self.refused:
            yield "refused: mend what is marked so before training here"
        else:
            yield f"ready to train on {self.device}"


def examine(
    machine: MachineConfig | None = None,
    directory: Path = Path(),
    trial: bool = True,
) -> Diagnosis:
    """Examine this machine.

    Args:
        machine: the device and precision to try; the best device, in float32, if None.
        directory: where runs will be written; its disk is looked at.
        trial: whether to run the training steps (some seconds).
    """
    checks = [*check_system(directory)]
    torch_check = check_torch()
    checks.append(torch_check)
    if torch_check.status == "refused":
        return Diagnosis(tuple(checks), "none")
    checks += check_accelerators()
    chosen = machine or MachineConfig(device=best_device(), threads=available_threads())
    if trial:
        from scratchlm.pipeline.doctor_trial import check_trial

        checks += check_trial(chosen)
    return Diagnosis(tuple(checks), chosen.device)


def check_system(directory: Path) -> Iterator[Check]:
    """Examine what needs no torch: Python, processor, memory, disk, compiler."""
    import psutil

    yield check_python(sys.version_info[:3])
    yield check_sources(Path(os.__file__))
    yield check_processor(cpu_flags(), available_threads())
    yield check_memory(psutil.virtual_memory().total, available_memory_bytes())
    yield check_disk(directory)
    yield check_compiler()
    yield check_native()


def check_python(version: tuple[int, int, int]) -> Check:
    """Whether this Python is new enough."""
    found = f"Python {'.'.join(map(str, version))} on {platform.system()}"
    if version[:2] >= LEAST_PYTHON:
        return Check("python", "ok", found, "new enough")
    least = ".".join(map(str, LEAST_PYTHON))
    return Check(
        "python",
        "refused",
        found,
        f"ScratchLM needs Python {least} or newer",
        f"install Python {least} and make the virtual environment anew",
    )


def check_sources(module: Path) -> Check:
    """Whether the standard library's sources, the embedded corpus, are on the disk."""
    if module.suffix == ".py" and module.is_file():
        return Check(
            "corpus", "ok", "sources found", "the embedded corpus can be built"
        )
    return Check(
        "corpus",
        "warning",
        "this Python comes without its sources",
        "the embedded corpus cannot be built from the standard library",
        "give your own text: scratchlm run laptop --text DIR",
    )


def check_processor(flags: set[str], threads: int) -> Check:
    """What the processor's cores and vector units are good for."""
    wide = [flag for flag in CPU_FLAGS if flag in flags]
    found = f"{cpu_name()}, cores: {threads}, {' '.join(wide) or 'no known extensions'}"
    if "amx_bf16" in flags:
        meaning = "AMX: bfloat16 is several times faster than float32, training uses it"
    elif "avx512_bf16" in flags:
        meaning = "AVX-512 with bfloat16: about 1.7 times faster than float32"
    elif "avx512f" in flags or "avx2" in flags or "neon" in flags:
        meaning = "no bfloat16 unit: training computes in float32"
    else:
        return Check(
            "processor",
            "warning",
            found,
            "no wide vector unit is known here: training will be slow",
            "give a smaller size, scratchlm run laptop --depth 4",
        )
    return Check("processor", "ok" if threads > 1 else "note", found, meaning)


def check_memory(total_bytes: int, available_bytes: int) -> Check:
    """Whether the journey's memory is there."""
    found = f"{format_bytes(available_bytes)} available of {format_bytes(total_bytes)}"
    need = format_bytes(JOURNEY_MEMORY_BYTES)
    if available_bytes >= JOURNEY_MEMORY_BYTES:
        return Check("memory", "ok", found, f"the laptop journey needs about {need}")
    return Check(
        "memory",
        "warning",
        found,
        f"the laptop journey needs about {need}: it may be stopped by the system",
        "close other programs, or train a smaller model with --depth 4",
    )


def check_disk(directory: Path) -> Check:
    """Whether the disk of ``directory`` (or its nearest existing parent) has room."""
    place = directory.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    found = f"{format_bytes(free)} free"
    need = format_bytes(JOURNEY_DISK_BYTES)
    if not os.access(place, os.W_OK):
        return Check(
            "disk",
            "refused",
            f"{place} cannot be written",
            "a run has nowhere to stand",
            "change to a folder of your own, or set SCRATCHLM_RUNS",
        )
    if free >= JOURNEY_DISK_BYTES:
        return Check("disk", "ok", found, f"the laptop journey needs less than {need}")
    return Check(
        "disk",
        "warning",
        found,
        f"the laptop journey needs up to {need}",
        "free some space, or set SCRATCHLM_RUNS to another disk",
    )


def check_compiler() -> Check:
    """Whether there is a C++ compiler, which only torch.compile would use."""
    name = next((name for name in COMPILERS if shutil.which(name)), None)
    if name is not None:
        return Check("compiler", "ok", name, "torch.compile can be used")
    return Check(
        "compiler",
        "note",
        "no C++ compiler",
        "nothing needs one; with one, machine.compile=true becomes possible",
        "apt install g++ · xcode-select --install · Visual Studio Build Tools",
    )


def check_native() -> Check:
    """Whether the C core was built, and what runs without it."""
    if native.core is not None:
        return Check("C core", "ok", native.why, "the tokenizer runs in C")
    return Check(
        "C core",
        "note",
        native.why,
        "the tokenizer runs in Python: the same ids, but many times slower",
        "install a C compiler, then: pip install --force-reinstall --no-deps scratchlm",
    )


def check_torch() -> Check:
    """Whether torch is there and can be imported."""
    if importlib.util.find_spec("torch") is None:
        return Check(
            "torch",
            "refused",
            "torch is not installed",
            "nothing can be trained; corpus, tokenizer and plan work without it",
            "pip install torch",
        )
    try:
        import torch
    except (ImportError, OSError) as error:
        return Check(
            "torch",
            "refused",
            f"torch cannot be imported: {' '.join(str(error).split())[:200]}",
            "its installation is damaged or made for another system",
            "pip install --force-reinstall torch",
        )
    found = f"torch {torch.__version__}, threads: {torch.get_num_threads()}"
    return Check("torch", "ok", found, "training can run")


def check_accelerators() -> Iterator[Check]:
    """Examine NVIDIA, AMD and Apple devices as torch sees them."""
    import torch

    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            yield _describe_gpu(index)
    elif _has_nvidia_driver():
        yield Check(
            "gpu",
            "warning",
            "there is an NVIDIA driver, but torch sees no GPU",
            "training would run on the CPU",
            _nvidia_remedy(torch.version.cuda),
        )
    if torch.backends.mps.is_available():
        yield Check(
            "gpu",
            "ok",
            "Apple GPU",
            "usable as machine.device=mps; small models are often as fast on the CPU",
        )
    elif not torch.cuda.is_available() and not _has_nvidia_driver():
        yield Check("gpu", "note", "no GPU", "training runs on the CPU")


def best_device() -> str:
    """The fastest device that torch sees: cuda, mps or cpu."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def cpu_flags() -> set[str]:
    """The processor's extensions that matter here, as Linux names them."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(errors="replace").splitlines()
        words = [
            line.partition(":")[2].split()
            for line in lines
            if line.lower().startswith(("flags", "features"))
        ]
        found = set(words[0]) if words else set()
        return found | ({"neon"} if "asimd" in found else set())
    if platform.machine().lower() in ("arm64", "aarch64"):
        return {"neon"}
    return {"avx2"} if platform.machine().lower() in ("x86_64", "amd64") else set()


def _indented(text: str) -> list[str]:
    margin = " " * 9
    return textwrap.wrap(text, 80, initial_indent=margin, subsequent_indent=margin)


def _describe_gpu(index: int) -> Check:
    import torch

    properties = torch.cuda.get_device_properties(index)
    bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    found = f"{properties.name}, {format_bytes(properties.total_memory)}"
    if bf16:
        return Check("gpu", "ok", found, "bfloat16 in hardware: training uses it")
    return Check("gpu", "ok", found, "no bfloat16 unit: training computes in float32")


def _has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia").exists() or bool(shutil.which("nvidia-smi"))


def _nvidia_remedy(cuda: str | None) -> str:
    if cuda is None:
        return "this torch is a CPU build: install the CUDA build from pytorch.org"
    return f"this torch is built for CUDA {cuda}: update the NVIDIA driver"
