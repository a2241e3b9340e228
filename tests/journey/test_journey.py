"""The whole way, end to end, in seconds: it ends, it repeats, nothing stops it."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest
from transformers import AutoTokenizer

from scratchlm.base.atomic import read_json
from scratchlm.base.config import read_toml
from scratchlm.pipeline.calibration import NOMINAL
from scratchlm.pipeline.dial import derive
from scratchlm.pipeline.facts import count_facts
from scratchlm.pipeline.graph import STARTED
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.stages import STAGE_NAMES, collect_artefacts
from scratchlm.tokenizer import Tokenizer

TRAINED = ("train", "finetune", "align")


def artefacts(run):
    return collect_artefacts(RunDirectory(run))


def markers(run):
    return {
        name: (run / name / "stage.json").stat().st_mtime_ns for name in STAGE_NAMES
    }


def wait_for(condition, process, patience_s=60):
    """Wait until something is the case or the process has ended."""
    end = time.monotonic() + patience_s
    while not condition() and process.is_alive():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def kill(process):
    process.kill()
    process.join()


def test_the_journey_ends_with_every_artefact(undisturbed):
    made = set(artefacts(undisturbed))
    assert {
        "corpus/train/part-00000.parquet",
        "tokenizer/tokenizer.json",
        "data/train_00000.bin",
        "train/model/model.safetensors",
        "evaluate_base/evaluation.json",
        "align/model/model.safetensors",
        "evaluate_chat/preferences.json",
        "quantize/model/model.safetensors",
        "export/model.gguf",
        "export/huggingface/model.safetensors",
    } <= made
    assert (undisturbed / "report.html").stat().st_size > 1000
    assert read_json(undisturbed / "manifest.json")["seeds"]["train.seed"] == 0


def test_no_artefact_holds_a_time_or_a_place(undisturbed):
    words = {str(undisturbed).encode(), str(undisturbed.parents[1]).encode()}
    words |= {time.strftime("%Y-%m-%d").encode()}
    for name in artefacts(undisturbed):
        content = (undisturbed / name).read_bytes()
        assert not [word for word in words if word in content], name


def test_a_second_run_says_that_all_is_up_to_date_and_makes_nothing(
    journeys, undisturbed
):
    before = markers(undisturbed)
    words = ["run", "undisturbed", "--runs-dir", str(journeys.runs)]
    code = (
        "import sys; from scratchlm.cli.entry import run_command; "
        f"status = run_command({words!r}); print('torch' in sys.modules, status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("False 0\n"), "torch was imported, or it failed"
    assert done.stdout.count("up to date") == len(STAGE_NAMES) + 1
    assert markers(undisturbed) == before


def test_the_resolved_recipe_leaves_nothing_to_the_dial_and_repeats_the_run(
    journeys, undisturbed
):
    recipe = undisturbed / "recipe.toml"
    facts = count_facts(undisturbed / "corpus")
    assert derive(read_toml(recipe), NOMINAL, facts).reasons == {}
    words = ["run", str(recipe), "--name", "repeated"]
    repeated = journeys.finish_words([*words, "--runs-dir", str(journeys.runs)])
    assert read_json(repeated / "dial.json")["calibration"] is None
    assert artefacts(repeated) == artefacts(undisturbed)


def test_a_changed_setting_repeats_only_what_follows(journeys, undisturbed):
    before, made = markers(undisturbed), artefacts(undisturbed)
    journeys.finish("undisturbed", "align.beta=0.5")
    after = markers(undisturbed)
    repeated = {name for name in STAGE_NAMES if after[name] != before[name]}
    assert repeated == {"align", "evaluate_chat", "quantize", "export"}
    journeys.finish("undisturbed", "align.beta=2.0")
    assert artefacts(undisturbed) == made


def test_kills_in_every_stage_and_at_random_moments_change_no_byte(
    journeys, undisturbed
):
    """One journey, killed in each stage once it has begun, and at random besides."""
    chance = random.Random(time.time_ns())
    run = journeys.runs / "killed"
    for stage in STAGE_NAMES:
        process = journeys.start("killed")
        wait_for(lambda s=stage: (run / s / STARTED).exists(), process)
        if stage in TRAINED:
            checkpoints = run / stage / "checkpoints"
            wait_for(lambda c=checkpoints: any(c.glob("step_*")), process)
        time.sleep(chance.uniform(0, 0.2))
        kill(process)
    assert journeys.finish("killed") == run
    assert artefacts(run) == artefacts(undisturbed)


def test_a_killed_training_goes_on_from_its_checkpoint(journeys):
    run = journeys.runs / "resumed"
    process = journeys.start("resumed")
    wait_for(lambda: any((run / "train/checkpoints").glob("step_*")), process)
    kill(process)
    killed_at = max(int(p.name[5:]) for p in (run / "train/checkpoints").glob("step_*"))
    rows = count_steps(run)
    journeys.finish("resumed")
    again = count_steps(run)
    assert killed_at >= 5
    assert [row for row in again if row[0] <= killed_at] == [
        row for row in rows if row[0] <= killed_at
    ], "steps before the checkpoint were made again"
    assert [step for step, _ in again] == sorted({step for step, _ in again})


def count_steps(run):
    """(step, time) of each training step in the metrics."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return [
        (r["step"], r["time_s"])
        for r in rows
        if "train/loss" in r and r["stage"] == "train"
    ]


def test_ctrl_c_stops_with_a_line_that_continues(journeys):
    run = journeys.runs / "stopped"
    words = [sys.executable, "-c", "from scratchlm.cli import main; main()", "run"]
    words += [str(journeys.recipe), "--text", str(journeys.folder / "text")]
    words += ["--name", "stopped", "--runs-dir", str(journeys.runs)]
    process = subprocess.Popen(
        words,
        stderr=subprocess.PIPE,
        text=True,
        # a test run in the background of a script would hand on a deaf ear
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (run / "train" / STARTED).exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    line = said.splitlines()[-1]
    again = f"scratchlm run stopped --runs-dir {journeys.runs}"
    assert line == f"stopped; continue with: {again}"
    assert "Traceback" not in said


def test_a_second_process_is_refused_while_the_first_works(journeys):
    first = journeys.start("busy")
    wait_for(lambda: (journeys.runs / "busy" / "request.json").exists(), first)
    second = journeys.start("busy")
    second.join(60)
    alive = first.is_alive()
    kill(first)
    assert alive and second.exitcode == 2


@pytest.mark.parametrize("style", ["classic", "diagram"])
def test_the_guides_own_systems_walk_the_same_way_to_its_end(journeys, style):
    recipe = journeys.recipe_like(style)
    words = ["run", str(recipe), "--text", str(journeys.folder / "text")]
    run = journeys.finish_words([*words, "--runs-dir", str(journeys.runs)])
    formats = read_json(run / "export" / "receipt.json")["formats"]
    assert formats["scratchlm"]["written"]
    if style == "diagram":
        assert "\n" not in formats["gguf"]["reason"]
    assert read_toml(run / "recipe.toml")["model"]["norm"] == "layernorm"


def test_wordpiece_walks_the_same_way_by_one_switch(journeys):
    run = journeys.finish(
        "wordpiece",
        'tokenizer.kind="wordpiece"',
        "tokenizer.vocab_size=640",
        "model.vocab_size=640",
    )
    tokenizer = Tokenizer.load(run / "tokenizer" / "tokenizer.json")
    assert tokenizer.kind == "wordpiece"
    formats = read_json(run / "export" / "receipt.json")["formats"]
    assert formats["huggingface"]["written"]
    for name in ("gguf", "gguf_4_bits"):
        assert not formats[name]["written"] and "\n" not in formats[name]["reason"]
    peer = AutoTokenizer.from_pretrained(run / "export" / "huggingface")
    assert "spelled with the longest" in (run / "report.html").read_text()
    text = "# A river\n\n  The lamp  finds a stone;\tnaïve 中文 🎉\r\n"
    assert peer(text)["input_ids"] == tokenizer.encode(text)
    assert peer.decode(tokenizer.encode(text)) == text
