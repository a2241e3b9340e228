"""The model of a checkpoint, to look at while its run goes on."""

from pathlib import Path

from scratchlm.base.config import build_config
from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import build_empty_model, load_tensors
from scratchlm.train.checkpoint_files import DamagedError, read_checkpoint


def load_checkpoint_model(folder: Path) -> Transformer:
    """Build a model with a checkpoint's float32 weights, in evaluation mode.

    Args:
        folder: of one checkpoint, `checkpoints/step_000500`.

    Raises:
        UserError: some byte of it is damaged, or it does not say its model's config.
    """
    try:
        checkpoint, stamp = read_checkpoint(folder)
    except DamagedError as damage:
        raise UserError(
            f"{folder} is damaged ({damage}); take its predecessor"
        ) from None
    described = (stamp.identity or {}).get("model")
    if described is None:
        raise UserError(f"{folder} does not say what model it is of; finish the run")
    config = build_config(ModelConfig, described, str(folder))
    model = build_empty_model(config)
    load_tensors(model, dict(checkpoint.tensors["weights"]), str(folder))
    return model.eval()
