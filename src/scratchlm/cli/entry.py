"""The door: `scratchlm VERB …`.

Exit status: 0 done, 2 a person's mistake (one line says which), 1 anything that we did
not foresee (one line, and the traceback with `--debug`), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

import click

from scratchlm import __version__
from scratchlm.base.errors import UserError

# verb → (module, what it does)
VERBS: dict[str, tuple[str, str]] = {
    "run": ("run", "Walk the whole way, from raw text to a chat model."),
    "runs": ("runs", "List the runs."),
    "status": ("status", "Say how far a run is."),
    "report": ("report", "Write a run's report, one HTML page."),
    "chat": ("chat", "Talk to a model in the terminal."),
    "generate": ("generate", "Continue a text."),
    "doctor": ("doctor", "Look at this machine and say what it can train."),
    "plan": ("plan", "Estimate memory, time and cost of a model size."),
    "corpus": ("corpus", "Build a corpus, or look into one."),
    "tokenizer": ("tokenizer", "Train a tokenizer, or look into one."),
    "data": ("data", "Encode a corpus into shards, or look through them."),
    "preferences": ("preferences", "Build preference pairs."),
    "train": ("train", "Pretrain a model on a run's data."),
    "verify-resume": ("verify_resume", "Prove that a killed run ends the same."),
    "ablate": ("ablate", "Hold switches against a baseline, by seeds."),
    "ladder": ("ladder", "Train small models, fit a law, predict a larger one."),
    "evaluate": ("evaluate", "Measure a model on held-out text and questions."),
    "finetune": ("finetune", "Teach a model to answer (SFT)."),
    "align": ("align", "Teach a chat model what is preferred (DPO)."),
    "quantize": ("quantize", "Shrink a model to four bits."),
    "export": ("export", "Write a model in other programs' formats."),
    "import": ("import_", "Read a model in the classic layout."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the module of a verb and return its command."""
        if name not in VERBS:
            return None
        module = importlib.import_module(f"scratchlm.cli.{VERBS[name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the verbs from the table, so that help imports none of them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, what) for name, (_, what) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a verb, or offer the nearest one."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise UserError(_unknown_verb(args[0]))
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Example: scratchlm run laptop --minutes 10",
)
@click.version_option(__version__, prog_name="scratchlm")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def group(debug: bool) -> None:
    """Build a language model from scratch: from raw text to a chat model."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    sys.exit(run_command([word for word in given if word != "--debug"], debug))


def run_command(arguments: list[str], debug: bool = False) -> int:
    """Run one command; returns the exit status, and never raises but with `debug`."""
    try:
        result = group.main(arguments, "scratchlm", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:  # the reader of our output went away: not our error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            traceback.print_exc()
        else:
            click.echo(f"scratchlm: {explain(error)}", err=True)
        return 2 if _is_persons(error) else 1


def explain(error: Exception) -> str:
    """Say in one line what happened and what to do."""
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    if _is_full_disk(error):
        return (
            f"the disk is full ({error}); free some space and run the same command "
            "again: nothing that was finished is lost"
        )
    what = " ".join(str(error).split())[:300]
    return (
        f"unexpected {type(error).__name__}: {what}; run the same command with "
        "--debug for the traceback, and please report it"
    )


def _is_persons(error: Exception) -> bool:
    return isinstance(error, UserError) or _is_full_disk(error)


def _is_full_disk(error: Exception) -> bool:
    full = (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, OSError) and error.errno in full


def _unknown_verb(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, VERBS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`scratchlm --help` lists them"
    return f"there is no verb {name!r}; {hint}"
