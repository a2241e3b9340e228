import json
import math
import subprocess
import sys

import pytest

from scratchlm.base.process_group import (
    agreed_mean,
    agreed_sum,
    all_agree,
    count_processes,
    gather_numbers,
    process_rank,
)

PROCESS = """
import json, math, sys
import torch.distributed as dist
from scratchlm.base.process_group import *
from scratchlm.train.guard import Guard
from scratchlm.train.guard_config import GuardConfig

rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", f"file://{store}", rank=rank, world_size=2)
mine = [0.1 + rank, [1.0, math.nan][rank], [math.inf, 1.0][rank], 3.0]
guard = Guard(GuardConfig())
loss, norm = agreed_mean([[2.5, math.nan][rank], 1.0])
judgement = guard.judge(0, loss, norm, can_roll_back=all_agree(rank == 0))
print(json.dumps({
    "who": [process_rank(), count_processes()],
    "gathered": repr(gather_numbers(mine)),
    "sum": repr(agreed_sum(mine)),
    "agree": [all_agree(True), all_agree(rank == 0), all_agree(False)],
    "judgement": repr(judgement),
    "action": judgement.action,
}))
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What two real processes say, joined by gloo."""
    store = tmp_path_factory.mktemp("group") / "store"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(rank), str(store)],
            stdout=subprocess.PIPE,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate()[0] for process in processes]
    return [json.loads(output) for output in outputs]


def test_one_process_is_the_first_of_one_and_agrees_with_itself():
    assert (process_rank(), count_processes()) == (0, 1)
    assert gather_numbers([1.5, math.inf]) == [[1.5, math.inf]]
    assert agreed_sum([1.5]) == agreed_mean([1.5]) == [1.5]
    assert all_agree(True)
    assert not all_agree(False)


def test_asking_loads_no_torch():
    code = "import sys, scratchlm.base.process_group as g; g.agreed_mean([1.0])"
    check = f"{code}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


def test_each_of_two_processes_sees_the_numbers_of_both(answers):
    assert [answer["who"] for answer in answers] == [[0, 2], [1, 2]]
    gathered = "[[0.1, 1.0, inf, 3.0], [1.1, nan, 1.0, 3.0]]"
    assert [answer["gathered"] for answer in answers] == [gathered] * 2


def test_sums_are_the_same_in_all_processes_and_hide_nothing(answers):
    total = f"[{0.1 + 1.1!r}, nan, inf, 6.0]"
    assert [answer["sum"] for answer in answers] == [total] * 2


def test_all_agree_only_if_all_do(answers):
    assert [answer["agree"] for answer in answers] == [[True, False, False]] * 2


def test_a_loss_that_is_not_finite_in_one_process_is_an_event_in_both(answers):
    assert answers[0]["judgement"] == answers[1]["judgement"]
    assert answers[0]["action"] == "skip"
