"""How a build runs: what changes its time and memory, but no byte of its result."""

from dataclasses import dataclass
from pathlib import Path

from scratchlm.base.errors import UserError


@dataclass(frozen=True)
class BuildOptions:
    """Where and with how much a corpus is built."""

    memory_bytes: int = 2 * 10**9
    """What all workers together may use, beside what Python and its libraries take."""
    workers: int | None = None
    """Processes; without it one a core, and fewer where memory is short."""
    on: str = "local"
    """`local`, `ray` (a cluster of this machine) or `ray:ADDRESS`."""
    work: Path | None = None
    """Where finished tasks are kept; without it `<out>.work`."""
    keep_work: bool = True
    """Keep them, so that the next build with other inputs does only what is new."""
    canaries: bool = True
    """Send planted documents through every step that is switched on."""

    def __post_init__(self) -> None:
        place, colon, address = self.on.partition(":")
        if self.on != "local" and (place != "ray" or (colon and not address)):
            raise UserError(f"--on {self.on} is unknown: say local, ray or ray:ADDRESS")


def work_beside(directory: Path) -> Path:
    """Where a build of `directory` keeps finished tasks unless it is told otherwise."""
    return directory.with_name(f"{directory.name}.work")
