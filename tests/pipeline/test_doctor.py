import os
import subprocess
import sys
from pathlib import Path

import pytest

from scratchlm import native
from scratchlm.base.machine import MachineConfig
from scratchlm.pipeline.doctor import (
    Check,
    Diagnosis,
    check_disk,
    check_memory,
    check_native,
    check_processor,
    check_python,
    check_sources,
    check_system,
    check_torch,
    cpu_flags,
)
from scratchlm.pipeline.doctor_trial import (
    FLOAT32_TOLERANCE,
    check_device,
    check_trial,
    compare_losses,
    judge_losses,
    run_trial,
)

CPU = MachineConfig(threads=1)
LOSSES = [6.0, 5.0, 4.0]


def test_this_machine_computes_what_it_should_in_both_precisions():
    checks = list(check_trial(CPU.model_copy(update={"dtype": "bfloat16"})))
    assert [check.status for check in checks] == ["ok", "ok"]
    assert [check.name for check in checks] == [
        "trial cpu float32",
        "trial cpu bfloat16",
    ]
    assert "20 steps" in checks[0].found and "limit 1e-03" in checks[0].found
    assert "limit 3e-02" in checks[1].found


def test_a_trial_gives_the_same_losses_again_and_they_fall():
    first = run_trial(CPU, n_steps=3)
    assert first == run_trial(CPU, n_steps=3)
    assert len(first) == 3 and first[-1] < first[0]


@pytest.mark.parametrize(
    "losses",
    [
        [6.0, 5.0, float("nan")],
        [6.0, float("inf"), 4.0],
        [6.0, 5.0 * 1.002, 4.0],
        [6.0, 5.0, 4.0 * 0.998],
    ],
)
def test_a_device_that_computes_something_else_is_refused(losses):
    check = judge_losses(CPU, LOSSES, losses, FLOAT32_TOLERANCE)
    assert check.status == "refused" and check.remedy
    assert Diagnosis((check,), "cpu").exit_code == 1


def test_a_device_on_which_nothing_is_learned_is_refused():
    flat = [6.0, 6.0, 6.0]
    assert judge_losses(CPU, flat, flat, FLOAT32_TOLERANCE).status == "refused"


def test_rounding_differences_are_accepted():
    losses = [loss * (1 + 5e-4) for loss in LOSSES]
    check = judge_losses(CPU, LOSSES, losses, FLOAT32_TOLERANCE)
    assert check.status == "ok" and "5.0e-04" in check.found
    assert compare_losses(LOSSES, losses).largest_difference == pytest.approx(5e-4)


def test_a_device_that_is_not_there_is_refused_with_a_remedy():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    gpu = MachineConfig(device="cuda", threads=1)
    check = check_device(gpu, LOSSES, FLOAT32_TOLERANCE)
    assert check.status == "refused" and "trial failed" in check.found
    assert "machine.device=cpu" in check.remedy


def test_an_old_python_is_refused():
    assert check_python((3, 10, 4)).status == "refused"
    assert check_python((3, 11, 0)).status == "ok"
    assert check_python((3, 14, 1)).status == "ok"


def test_a_python_without_sources_is_told_of_own_text(tmp_path):
    assert check_sources(Path(os.__file__)).status == "ok"
    for module in (tmp_path / "python311.zip" / "os.pyc", tmp_path / "os.py"):
        check = check_sources(module)
        assert check.status == "warning" and "--text" in check.remedy


@pytest.mark.parametrize(
    ("flags", "status", "word"),
    [
        ({"avx2", "avx512f", "amx_bf16", "avx512_bf16"}, "ok", "AMX"),
        ({"avx2", "avx512f", "avx512_bf16"}, "ok", "1.7 times"),
        ({"avx2"}, "ok", "float32"),
        ({"neon"}, "ok", "float32"),
        (set(), "warning", "slow"),
    ],
)
def test_what_the_vector_units_mean_is_said(flags, status, word):
    check = check_processor(flags, threads=2)
    assert check.status == status and word in check.meaning


def test_a_single_core_is_worth_a_note():
    assert check_processor({"avx2"}, threads=1).status == "note"


def test_little_memory_is_a_warning_with_a_remedy():
    assert check_memory(16_000_000_000, 8_000_000_000).status == "ok"
    check = check_memory(16_000_000_000, 1_000_000_000)
    assert check.status == "warning" and check.remedy and "1 GB" in check.found


def test_the_disk_of_a_folder_that_does_not_exist_yet_is_its_parents(tmp_path):
    there, deeper = check_disk(tmp_path), check_disk(tmp_path / "runs" / "mine")
    assert there.status == deeper.status
    assert there.status in ("ok", "warning")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    assert check_disk(tmp_path / "runs").status == "refused"


def test_every_finding_says_what_it_means_and_every_warning_what_to_do(tmp_path):
    checks = [*check_system(tmp_path), check_torch()]
    assert len({check.name for check in checks}) == len(checks) == 8
    for check in checks:
        assert check.found and check.meaning
        assert check.remedy or check.status in ("ok", "note")
    assert cpu_flags() <= {flag.lower() for flag in cpu_flags()}


def test_the_lines_fit_a_terminal_and_end_in_a_verdict():
    long = "word " * 60
    bad = Check("disk", "refused", long, long, long)
    good = Check("disk", "ok", "fine", "good")
    for checks, word in [((good,), "ready to train on cpu"), ((bad,), "refused")]:
        lines = list(Diagnosis(checks, "cpu").lines())
        assert max(map(len, lines)) <= 80 and word in lines[-1]
        assert not any("\x1b" in line for line in lines)


def test_without_torch_the_doctor_still_speaks_and_says_so_in_one_line():
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from scratchlm.pipeline.doctor import examine\n"
        "found = examine()\n"
        "print(*found.lines(), sep='\\n')\n"
        "sys.exit(found.exit_code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and done.stderr == ""
    told = [line for line in done.stdout.splitlines() if "torch: " in line]
    assert told == ["refused  torch: torch is not installed"]
    assert "pip install torch" in done.stdout and "python: Python" in done.stdout


def test_without_the_c_core_the_doctor_says_why_and_what_to_install(monkeypatch):
    assert check_native().status == ("note" if native.core is None else "ok")
    monkeypatch.setattr(native, "core", None)
    monkeypatch.setattr(native, "why", "it was not built")
    check = check_native()
    assert check.status == "note"
    assert "not built" in check.found
    assert "C compiler" in check.remedy
