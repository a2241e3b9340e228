"""What the processes of one run agree on; in one process, nothing to do.

Decisions must be the same everywhere: a step that one process drops and another takes
leaves two models. So numbers that decide are gathered from all processes and reduced
by each in the order of the ranks, which gives the same bits everywhere, and what is
not finite in one process is seen by all.
"""

import sys
from collections.abc import Sequence
from typing import Any


def process_rank() -> int:
    """Number of this process, from 0."""
    group = _group()
    return 0 if group is None else group.get_rank()


def count_processes() -> int:
    """Processes of the run."""
    group = _group()
    return 1 if group is None else group.get_world_size()


def gather_numbers(values: Sequence[float]) -> list[list[float]]:
    """The numbers of every process, by rank; each gives as many.

    Numbers travel as float64, NaN and infinities included.
    """
    group = _group()
    if group is None:
        return [list(values)]
    import torch

    nccl = group.get_backend() == "nccl"
    mine = torch.tensor(values, dtype=torch.float64, device="cuda" if nccl else "cpu")
    everyone = [torch.empty_like(mine) for _ in range(group.get_world_size())]
    group.all_gather(everyone, mine)
    return [tensor.tolist() for tensor in everyone]


def agreed_sum(values: Sequence[float]) -> list[float]:
    """Each number summed over the processes: the same bits in all of them."""
    if _group() is None:
        return list(values)
    # fsum refuses opposite infinities; sum answers NaN
    return [sum(column) for column in zip(*gather_numbers(values), strict=True)]


def agreed_mean(values: Sequence[float]) -> list[float]:
    """Each number's mean over the processes: the same bits in all of them."""
    n_processes = count_processes()
    return [total / n_processes for total in agreed_sum(values)]


def all_agree(flag: bool) -> bool:
    """Is it true in every process?"""
    return agreed_sum([float(not flag)]) == [0.0]


def _group() -> Any:
    """`torch.distributed` where it is initialised; torch is not loaded for this."""
    module = sys.modules.get("torch.distributed")
    if module is None or not module.is_available() or not module.is_initialized():
        return None
    return module
