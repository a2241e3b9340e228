"""Every pair of switches trains, is saved and loaded, and generates with a cache.

The rows are printed with `pytest -s`.
"""

import itertools

import numpy as np
import pytest
import torch

from scratchlm.base.machine import MachineConfig
from scratchlm.generate.cache import KVCache
from scratchlm.generate.engine import generate
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import load_model, save_model
from scratchlm.train.config import TrainConfig
from scratchlm.train.loop import train
from scratchlm.train.objective import NextToken
from scratchlm.train.optimizer import Optimizer

from .covering_array import all_pairs, covering_array, pairs_of

SIZES = {
    "vocab_size": 23,
    "context_length": 24,
    "n_layers": 3,
    "n_heads": 4,
    "d_model": 16,
    "d_head": 4,
    "d_ff": 32,
}
YARN = {"rope_scaling": "yarn", "rope_factor": 3.0, "rope_theta": 100.0}
SWITCHES = {
    "position": {
        "rope": {},
        "linear": {"rope_scaling": "linear", "rope_factor": 2.0},
        "yarn": YARN,
        "learned": {"position": "learned"},
        "none": {"position": "none"},
    },
    "mlp": {kind: {"mlp": kind} for kind in ("swiglu", "gelu", "gelu_exact", "relu2")},
    "qk_norm": {
        "before": {},
        "none": {"qk_norm": "none"},
        "after": {"qk_norm": "after_rope"},
        "after x 1.2": {"qk_norm": "after_rope", "qk_scale": 1.2},
    },
    "heads": {str(n): {"n_kv_heads": n} for n in (1, 2, 4)},
    "experts": {
        "none": {},
        "shared": {"n_experts": 4, "n_shared_experts": 1},
        "softmax": {"n_experts": 3, "n_experts_per_token": 1, "router": "softmax"},
    },
    "window": {
        "none": {},
        "SL": {"attention_window": 4, "window_pattern": "SL"},
        "S": {"attention_window": 7, "window_pattern": "S"},
    },
    "norm": {"rmsnorm": {}, "layernorm": {"norm": "layernorm"}},
    "placement": {"pre": {}, "post": {"norm_placement": "post"}},
    "gain": {"yes": {}, "no": {"norm_gain": False}},
    "embedding_norm": {"no": {}, "yes": {"embedding_norm": True}},
    "bias": {"no": {}, "yes": {"bias": True}},
    "tied": {"no": {}, "yes": {"tied": True}},
    "dropout": {"no": {}, "yes": {"dropout": 0.1}},
    "softcap": {"no": {}, "yes": {"logit_softcap": 8.0}},
    "values": {"no": {}, "yes": {"value_embeddings": "alternate"}},
    "scalars": {"no": {}, "yes": {"residual_scalars": True}},
    "outputs": {"zero": {}, "scaled": {"output_init": "scaled"}},
    # how it is trained
    "kernel": {"products": {}, "sdpa": {}},
    "optimizer": {"muon": {}, "adamw": {}},
    "documents": {"no": {}, "yes": {}},
    "recompute": {"no": {}, "yes": {}},
}
DOCUMENTS = {"documents": "yes"}
ROWS = covering_array({name: list(values) for name, values in SWITCHES.items()})


def build(row):
    changes = [SWITCHES[name][value] for name, value in row.items()]
    items = itertools.chain(*(change.items() for change in changes))
    return Transformer(ModelConfig.model_validate({**SIZES, **dict(items)}))


def prepare(model, row):
    model.use_attention(row["kernel"])
    model.recompute = row["recompute"] == "yes"
    masters = dict(model.named_parameters())
    config = TrainConfig(
        total_steps=9,
        batch_size=4,
        micro_batch_size=4,
        context_length=16,
        optimizer=row["optimizer"],
        matrix_lr=0.01 if row["optimizer"] == "muon" else 4e-3,
        embed_lr=4e-3,
        head_lr=4e-3,
        vector_lr=4e-3,
    )
    return Optimizer(masters, config)


def batch(row):
    """A text that repeats itself, as one document or two, the last tokens padding."""
    tokens = (torch.arange(17) * 5 + torch.arange(4)[:, None]) % 7
    result = {"tokens": tokens[:, :-1], "targets": tokens[:, 1:]}
    if row["documents"] == "yes":
        lengths = torch.tensor([9, 5, 2])
        result["doc_ids"] = torch.tensor([1, 2, 0]).repeat_interleave(lengths)
        result["positions"] = torch.cat([torch.arange(n) for n in lengths.tolist()])
        result["loss_mask"] = result["doc_ids"] > 0
        for name in ("doc_ids", "positions", "loss_mask"):
            result[name] = result[name].expand(4, 16)
    return result


def learn(model, optimizer, row, steps):
    losses = []
    for step in steps:
        torch.manual_seed(step)
        model.train()
        loss = model.loss(**batch(row))
        loss.backward()
        optimizer.step(step, 1.0)
        model.update_router_bias(0.01)
        model.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


def test_every_pair_of_switches_stands_in_a_row():
    factors = {name: list(values) for name, values in SWITCHES.items()}
    met = set().union(*map(pairs_of, ROWS))
    assert met == all_pairs(factors)
    assert len(ROWS) < 60
    print(f"\n{len(ROWS)} rows cover {len(met)} pairs:")
    for number, row in enumerate(ROWS):
        print(f"{number:3}  " + " · ".join(f"{n} {v}" for n, v in row.items()))


@pytest.mark.parametrize("row", ROWS, ids=map(str, range(len(ROWS))))
def test_each_row_trains_is_saved_and_generates(row, tmp_path):
    torch.manual_seed(0)
    model = build(row)
    optimizer = prepare(model, row)
    losses = learn(model, optimizer, row, range(4))
    assert losses[-1] < losses[0] - 0.03, "the loss falls"

    save_model(model, tmp_path)
    again = load_model(tmp_path)
    follower = prepare(again, row)
    follower.load_state_dict(optimizer.state_dict())
    assert learn(model, optimizer, row, [4]) == learn(again, follower, row, [4])
    for (name, one), other in zip(
        model.state_dict().items(), again.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name

    model.eval()
    tokens = torch.randint(23, (2, 14), generator=torch.Generator().manual_seed(1))
    cache = KVCache(model.config, 2, 14)
    with torch.no_grad():
        seen = [model(piece, cache=cache) for piece in tokens.split([9, 1, 1, 3], 1)]
        whole = model(tokens)
    torch.testing.assert_close(torch.cat(seen, 1), whole, atol=1e-5, rtol=1e-4)
    prompts = [[1, 2, 3, 4, 5, 6, 7, 8], [3], [9, 9, 9]]
    for prompt, found in zip(prompts, generate(model, prompts, 5), strict=True):
        assert found.ids == read_at_once(model, prompt, found.ids)


class Rows:
    """The same text at every step, documents apart."""

    def batch(self, step):
        arrays = {name: value.numpy() for name, value in batch(DOCUMENTS).items()}
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def interrupt(done, model):
    if done == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("experts", ["shared", "softmax"])
def test_an_interrupted_run_with_everything_on_ends_with_the_same_bits(
    tmp_path, dtype, experts
):
    """The loop itself: dropout, routers and their biases, windows, documents."""
    row = {name: list(values)[-1] for name, values in SWITCHES.items()}
    row |= {"position": "yarn", "placement": "pre", "experts": experts}
    config = TrainConfig(
        total_steps=5,
        batch_size=4,
        micro_batch_size=2,
        context_length=16,
        checkpoint_every_steps=2,
        hook_every_steps=1,
        router_bias_rate=0.01,
        activation_checkpointing=True,
    )
    machine, found = MachineConfig(threads=1, dtype=dtype), []
    for name, hooks in (("straight", []), ("killed", [interrupt])):
        arguments = Rows(), config, tmp_path / name, machine
        if hooks:
            torch.manual_seed(0)
            with pytest.raises(KeyboardInterrupt):
                train(
                    build(row), NextToken(document_mask=True), *arguments, hooks=hooks
                )
        torch.manual_seed(0)
        model = build(row)
        train(model, NextToken(document_mask=True), *arguments)
        found.append(model.state_dict())
    for name, tensor in found[0].items():
        assert torch.equal(tensor, found[1][name]), name
    biases = [t for name, t in found[0].items() if name.endswith("router_bias")]
    assert all(bias.any() for bias in biases) and biases


@torch.no_grad()
def read_at_once(model, prompt, ids):
    """The likeliest token after each, in a text that is read whole."""
    logits = model(torch.tensor([[*prompt, *ids]]))[0]
    return logits[len(prompt) - 1 : -1].argmax(-1).tolist()
