"""The command line: one thin file a verb, each imported only when it runs."""

from scratchlm.cli.entry import main as main

__all__ = ["main"]
