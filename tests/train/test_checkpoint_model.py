import pytest
import torch

from scratchlm.base.errors import UserError
from scratchlm.train.checkpoint_folders import list_folders
from scratchlm.train.checkpoint_model import load_checkpoint_model


@pytest.mark.parametrize("changes", [{}, {"tied": True}])
def test_a_checkpoints_model_is_the_runs_at_that_step(
    run, build_model, tmp_path, changes
):
    trained = run(build_model(**changes), tmp_path, checkpoint_every_steps=6)
    model = load_checkpoint_model(list_folders(tmp_path / "checkpoints")[-1])
    assert not model.training
    for name, weight in model.named_parameters():
        assert torch.equal(weight, trained.weights[name])


def test_a_damaged_checkpoint_is_refused(run, tmp_path):
    run(directory=tmp_path, checkpoint_every_steps=6)
    [folder] = list_folders(tmp_path / "checkpoints")[-1:]
    with (folder / "weights.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    with pytest.raises(UserError, match="damaged"):
        load_checkpoint_model(folder)
