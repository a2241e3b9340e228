"""A recipe in small, trained by the real command as often as is wanted.

Text, tokenizer and shards are made once; each training is `scratchlm train` in a
process of its own, into a folder of its own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_text
from scratchlm.base.errors import UserError
from scratchlm.pipeline.graph import DONE
from scratchlm.pipeline.inputs import hash_inputs
from scratchlm.pipeline.recipe import Recipe, dump_recipe
from scratchlm.pipeline.request import Request, save_request
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.small_recipe import shrink
from scratchlm.pipeline.stages import build_corpus_stage, build_stages
from scratchlm.pipeline.walk import Walk

CODE = "from scratchlm.cli.entry import main; main()"


class SmallTraining:
    """Trainings of one small recipe on the same shards.

    Args:
        place: an empty folder: `runs/small` for the shards, one folder a training.
        draft: nested settings of the recipe that is made small.
        total_steps: optimizer steps.
        save_every: steps between checkpoints.

    Raises:
        UserError: the draft is not valid.
    """

    def __init__(
        self, place: Path, draft: Mapping[str, Any], total_steps: int, save_every: int
    ) -> None:
        self.place, self.draft = place, draft
        self.run = RunDirectory(place / "runs" / "small")
        self.recipe = self.resize(total_steps, save_every)

    def resize(self, total_steps: int, save_every: int) -> Recipe:
        """Train so many steps from now on."""
        self.recipe = shrink(self.draft, total_steps, save_every)
        self.run.path.mkdir(parents=True, exist_ok=True)
        save_request(Request(self.run, "small", {}))
        write_text(self.run.recipe_path, dump_recipe(self.recipe, {}))
        return self.recipe

    def prepare(self) -> None:
        """Make text, tokenizer and shards."""
        walk = Walk(self.run, lambda line: None)
        config = self.recipe.corpus
        walk.advance(build_corpus_stage(config, hash_inputs(config)))
        for stage in build_stages(self.recipe)[:2]:
            walk.advance(stage)

    def command(self, out: Path) -> list[str]:
        """The command line that begins or continues a training."""
        words = ["train", self.run.name, "--runs-dir", str(self.run.path.parent)]
        return [sys.executable, "-c", CODE, *words, "--out", str(out)]

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Begin or continue training `name` in another process."""
        with (self.place / "log.txt").open("ab") as log:
            command = self.command(self.place / name)
            return subprocess.Popen(command, stdout=log, stderr=log)

    def finish(self, name: str) -> Path:
        """Bring training `name` to its end; returns its folder.

        Raises:
            UserError: it ended in an error; with the last line that it said.
        """
        status = self.start(name).wait()
        if status or not (self.place / name / DONE).exists():
            last = (self.place / "log.txt").read_text(errors="replace").splitlines()
            said = last[-1] if last else "nothing"
            raise UserError(f"the {name} training ended with status {status}: {said}")
        return self.place / name
