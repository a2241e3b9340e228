"""Trainers are compared on the same function, the same bytes and honest clocks."""

import importlib
import json
import math

import numpy as np
import pytest
import torch

from scratchlm.model import Transformer
from scratchlm.model.config import ModelConfig
from scratchlm.pipeline.calibration import Calibration, Speed


@pytest.fixture
def benchmark(repository, monkeypatch):
    """Import a script of the benchmarks by its name."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return importlib.import_module


@pytest.fixture
def text(benchmark):
    """A held-out stream whose ids are one to seven bytes long; id 0 is no text."""
    ids = np.random.default_rng(0).integers(0, 64, 5_000).astype(np.uint16)
    lengths = (np.arange(64) % 7 + 1).astype(np.int32)
    lengths[0] = 0
    return benchmark("train_text").Text(64, "", ids, ids, lengths)


@pytest.fixture
def calibration():
    speeds = tuple(
        Speed(
            n_layers=4,
            d_model=width,
            flops_per_token=1e3 * width**2,
            tokens_per_s=4e8 / width**2,
            tokens_per_step=2048,
        )
        for width in (64, 256)
    )
    return Calibration(speeds=speeds)


def curve(*points):
    """A run's row: bits per byte seen at times."""
    rows = [{"time_s": t, "bits_per_byte": bits} for t, bits in points]
    return {"curve": rows, "time_s": points[-1][0], "bits_per_byte": points[-1][1]}


def test_a_ratio_is_the_first_time_at_which_ours_stood_at_the_peers_end(benchmark):
    time_ratio = benchmark("train_time_to_loss").time_ratio
    peer = curve((50, 3.0), (100, 2.5))
    ours = iter([curve((8, 2.9), (10, 2.6)), curve((15, 2.5), (20, 2.2))])
    assert time_ratio(peer, ours) == 0.15


def test_no_longer_run_is_done_than_needed(benchmark):
    def ours():
        yield curve((10, 2.4))
        pytest.fail("the first one had arrived")

    ratio = benchmark("train_time_to_loss").time_ratio(curve((100, 2.5)), ours())
    assert ratio == 0.1


def test_a_peer_that_is_never_reached_gives_no_ratio_below_one(benchmark):
    time_ratio = benchmark("train_time_to_loss").time_ratio
    peer = curve((100, 2.0))
    assert time_ratio(peer, iter([curve((20, 2.2))])) == 1.0
    assert time_ratio(peer, iter([curve((20, 2.2)), curve((130, 2.1))])) == 1.3


def test_a_run_is_done_once_for_a_commit_and_a_processor(
    benchmark, tmp_path, monkeypatch
):
    result, race = benchmark("result"), benchmark("train_time_to_loss")
    for module in (result, race):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    path = tmp_path / "train_time_to_loss.json"
    row = {"name": "a", "bits_per_byte": 2.0, "time_s": 1.0}
    first = race.Runs({})
    first.rows["a"] = row
    first._keep()
    impossible = {"trainer": "none"}
    assert race.Runs({}).run("a", impossible, 0, 1.0) == row
    kept = json.loads(path.read_text())
    assert all(claim["why"] for claim in kept["claims"])
    path.write_text(json.dumps({**kept, "commit": "another"}))
    assert race.Runs({}).rows == {}


def test_time_that_steps_were_held_up_is_lost_and_their_usual_time_is_not(benchmark):
    lost_frac = benchmark("train_time_worker").lost_frac
    assert lost_frac([1.0] * 10) == 0
    assert lost_frac([1.0] * 8 + [6.0, 6.0]) == 0.5
    assert lost_frac([]) == 0


def test_every_context_is_scored_on_the_same_bytes(benchmark, text):
    HeldOut = benchmark("train_time_worker").HeldOut
    whole = HeldOut(text, 512)
    for n_tokens in (64, 256):
        cut = HeldOut(text, n_tokens)
        assert cut.tokens.shape[1] == n_tokens
        assert cut.n_bytes == whole.n_bytes
        assert sorted(cut.targets.ravel()) == sorted(whole.targets.ravel())


def test_a_guess_needs_the_bits_of_its_vocabulary_and_control_tokens_are_free(
    benchmark, text
):
    held_out = benchmark("train_time_worker").HeldOut(text, 128)

    def guess(tokens, targets):
        return torch.full(targets.shape, math.log(64))

    counted = int((held_out.targets != 0).sum())
    expected = 6 * counted / held_out.n_bytes
    assert held_out.bits_per_byte(guess) == pytest.approx(expected, rel=1e-6)


def test_all_trainers_draw_the_same_rows(benchmark, text):
    batch_at = benchmark("train_text").batch_at
    tokens, targets = batch_at(text.train, 3, 4, 32, seed=1)
    assert np.array_equal(tokens[:, 1:], targets[:, :-1])
    assert np.array_equal(tokens, batch_at(text.train, 3, 4, 32, seed=1)[0])
    assert not np.array_equal(tokens, batch_at(text.train, 4, 4, 32, seed=1)[0])


def test_nanogpts_weights_fit_ours_by_name_and_shape(benchmark):
    peers = benchmark("train_peers")
    config = peers.gpt2_config(2, 16, 2, 64, 8)
    theirs = {
        "transformer.wte.weight": torch.randn(64, 16),
        "transformer.wpe.weight": torch.randn(8, 16),
        "transformer.ln_f.weight": torch.randn(16),
    }
    theirs["lm_head.weight"] = theirs["transformer.wte.weight"]
    for layer in range(2):
        block = f"transformer.h.{layer}."
        for name, shape in {
            "ln_1": (16,),
            "attn.c_attn": (48, 16),
            "attn.c_proj": (16, 16),
            "ln_2": (16,),
            "mlp.c_fc": (64, 16),
            "mlp.c_proj": (16, 64),
        }.items():
            theirs[f"{block}{name}.weight"] = torch.randn(shape)
    model = Transformer(config)
    model.load_state_dict(peers.our_weights(theirs), strict=True)
    fused = theirs["transformer.h.1.attn.c_attn.weight"]
    ours = model.layers[1].self_attn
    parts = [ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight]
    assert torch.equal(torch.cat(parts), fused)


def test_what_is_hopeless_takes_no_part_in_later_rounds(benchmark):
    speed = benchmark("train_speed_trainers")

    def trainer(name, kind, *seconds):
        mode = speed.Mode(name, kind, {})
        return speed.Trainer(mode, None, seconds=list(seconds), peak_mb=1)

    trainers = [
        trainer("ours", "ours", 4.0, 4.1),
        trainer("fast", "nanogpt", 1.0, 1.1),
        trainer("slow", "nanogpt", 2.1, 2.3),
        trainer("ceiling", "ceiling", 9.0, 9.0),
    ]
    assert speed.running(trainers, 1) == trainers
    assert [t.mode.name for t in speed.running(trainers, 2)] == [
        "ours",
        "fast",
        "ceiling",
    ]
    assert speed.ratio(trainers[1], trainers[0]) == pytest.approx(3.86, abs=0.01)


@pytest.mark.parametrize("name", ["4m", "12m"])
def test_at_nanogpts_size_ours_has_no_more_parameters(benchmark, calibration, name):
    specs = benchmark("train_time_specs")
    size = specs.SIZES[name]
    spec = specs.same_size_spec(calibration, size, 8, 30.0)
    model = ModelConfig.model_validate(spec["model"])
    assert 0.95 < model.n_parameters / size.nanogpt.n_parameters <= 1
    assert (model.n_layers, model.d_model) == (
        size.nanogpt.n_layers,
        size.nanogpt.d_model,
    )
    assert spec["train"]["batch_size"] == 8


def test_the_shape_of_our_own_follows_the_time(benchmark, calibration):
    own_spec = benchmark("train_time_specs").own_spec
    sizes = [own_spec(calibration, s, {})["model"]["d_model"] for s in (10, 100_000)]
    assert sizes[0] < sizes[1]


def test_pages_say_nothing_of_what_was_not_measured(benchmark):
    assert benchmark("readme_train").train_lines({}) == ""
