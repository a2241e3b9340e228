"""A journey of seconds: generated text, a tiny model, processes that can be killed."""

import multiprocessing
import random
import sys
import tomllib
from pathlib import Path

import pytest

from scratchlm.base.config import merge
from scratchlm.cli.entry import main
from scratchlm.pipeline.calibration import NOMINAL
from scratchlm.pipeline.dial import NOMINAL_FACTS, derive
from scratchlm.pipeline.freeze import resolve
from scratchlm.pipeline.recipe import dump_recipe, read_packaged

PRELOAD = [
    "torch",
    "torch._inductor",
    "scratchlm.cli.entry",
    "scratchlm.align.alignment",
    "scratchlm.evaluate.evaluate",
    "scratchlm.export.artefacts",
    "scratchlm.pipeline.journey",
    "scratchlm.pipeline.report",
    "scratchlm.pipeline.samples",
    "scratchlm.quantize.quantize",
    "scratchlm.train.pretraining",
]

RECIPE = """
title = "a journey of seconds"

[machine]
device = "cpu"
dtype = "float32"
attention = "products"
threads = 1

[corpus]
max_conversations = 60

[tokenizer]
vocab_size = 300

[model]
vocab_size = 300
context_length = 128
n_layers = 1
d_model = 32
n_heads = 2
n_kv_heads = 1
d_ff = 64

[train]
total_steps = 30
batch_size = 4
micro_batch_size = 2
context_length = 128
warmup_steps = 2
decay_steps = 20
checkpoint_every_steps = 5
hook_every_steps = 10

[finetune]
epochs = 1
max_tokens = 4000
checkpoint_every_steps = 2

[align]
epochs = 1
max_tokens = 4000
checkpoint_every_steps = 2

[evaluate]
max_heldout_bytes = 4000
max_questions = 6
max_new_tokens = 12

[quantize]
group_size = 16
n_grid = 3
"""

NOUNS = ["river", "stone", "lamp", "garden", "winter", "letter", "bridge", "violin"]
VERBS = ["carries", "finds", "leaves", "answers", "follows", "hides", "repairs"]
PLACES = ["behind the mill", "under the old roof", "near the harbour", "at noon"]


def write_text(folder, n_documents=24, seed=0):
    """Prose that no two documents share, with headings."""
    chance = random.Random(seed)
    folder.mkdir(parents=True)
    for number in range(n_documents):
        parts = []
        for section in range(4):
            parts.append(f"# {chance.choice(NOUNS)} {chance.choice(NOUNS)} {section}")
            parts.append(" ".join(_sentence(chance) for _ in range(9)))
        (folder / f"{number:02d}.md").write_text("\n\n".join(parts))


def _sentence(chance):
    first, second = chance.sample(NOUNS, 2)
    number = chance.randrange(1000)
    verb, place = chance.choice(VERBS), chance.choice(PLACES)
    return f"The {first} of house {number} {verb} a {second} {place}."


def resolved_toml(text, below="laptop"):
    """A recipe that leaves nothing to the dial: nothing has to be measured."""
    draft = merge(read_packaged(below), tomllib.loads(text))
    derived = derive(draft, NOMINAL, NOMINAL_FACTS)
    return dump_recipe(resolve(draft, derived), derived.reasons)


class Journeys:
    """Starts journeys as processes of their own, on one text and one recipe."""

    def __init__(self, folder):
        self.folder = folder
        self.runs = folder / "runs"
        self.recipe = folder / "tiny.toml"
        self.recipe.write_text(resolved_toml(RECIPE))
        write_text(folder / "text")
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOAD)

    def recipe_like(self, style):
        """A recipe of another style, as small."""
        path = self.folder / f"{style}.toml"
        text = RECIPE.replace("n_kv_heads = 1", "n_kv_heads = 2")
        path.write_text(resolved_toml(text, style))
        return path

    def start(self, name, *options):
        """Begin or continue run `name` in another process."""
        words = ["run", str(self.recipe), "--name", name, *options]
        words += ["--text", str(self.folder / "text"), "--runs-dir", str(self.runs)]
        return self.start_words(words)

    def start_words(self, words):
        process = self._context.Process(target=main, args=(words,), daemon=True)
        process.start()
        return process

    def finish(self, name, *options):
        """Walk run `name` to its end; returns its folder."""
        return self._finish(self.start(name, *options), name)

    def finish_words(self, words):
        name = words[words.index("--name") + 1] if "--name" in words else None
        return self._finish(self.start_words(words), name or Path(words[1]).stem)

    def _finish(self, process, name):
        process.join(280)
        assert process.exitcode == 0, f"exit status {process.exitcode}"
        return self.runs / name


@pytest.fixture(scope="session")
def journeys(tmp_path_factory):
    if sys.platform == "win32":
        pytest.skip("needs processes that fork")
    return Journeys(tmp_path_factory.mktemp("journeys"))


@pytest.fixture(scope="session")
def undisturbed(journeys):
    """A run that nobody touched."""
    return journeys.finish("undisturbed")
