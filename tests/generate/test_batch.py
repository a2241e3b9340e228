import pytest
import torch

from scratchlm.generate.batch import Batch
from scratchlm.generate.config import Sampling
from scratchlm.generate.request import build_request

PROMPTS = [[5, 6], [9, 8, 7, 6, 5], [1]]
NEXT = torch.tensor([3, 4, 5])


@pytest.fixture
def batch(model):
    requests = [
        build_request(model.config, prompt, 4, Sampling()) for prompt in PROMPTS
    ]
    return Batch(model, requests)


def alone(model, ids):
    return model(torch.tensor([ids]))[0, -1]


def test_padding_changes_no_logits(model, batch):
    with torch.no_grad():
        read = batch.read(PROMPTS)
        stepped = batch.step(NEXT)
        for i, prompt in enumerate(PROMPTS):
            close = {"atol": 1e-5, "rtol": 1e-5}
            torch.testing.assert_close(read[i], alone(model, prompt), **close)
            longer = alone(model, [*prompt, int(NEXT[i])])
            torch.testing.assert_close(stepped[i], longer, **close)


def test_rows_that_stay_do_not_notice_that_others_left(model, batch):
    with torch.no_grad():
        batch.read(PROMPTS)
        batch.step(NEXT)
        batch.keep([2, 0])
        logits = batch.step(torch.tensor([7, 8]))
        for row, (i, id) in enumerate([(2, 7), (0, 8)]):
            expected = alone(model, [*PROMPTS[i], int(NEXT[i]), id])
            torch.testing.assert_close(logits[row], expected, atol=1e-5, rtol=1e-5)


def test_equal_lengths_need_no_mask(build_model):
    model = build_model()
    requests = [build_request(model.config, [1, 2], 4, Sampling()) for _ in range(2)]
    assert not Batch(model, requests).padded
