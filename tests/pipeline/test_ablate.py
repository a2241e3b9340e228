"""Laws of an ablation: equal tokens, the same seeds, nothing trained twice."""

import json

import pytest

from scratchlm.base.config import parse_overrides
from scratchlm.base.errors import UserError
from scratchlm.base.progress import Silent
from scratchlm.data import DataConfig, build_shards
from scratchlm.pipeline.ablate import (
    collect_ablation,
    plan_ablation,
    run_ablation,
)
from scratchlm.pipeline.ablate_sheet import ablation_sheet, write_ablation
from scratchlm.pipeline.trial_base import find_base
from scratchlm.pipeline.variants import BASELINE, read_variants
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

TEXT = "a small text that a small model can learn by heart; " * 100
SMALL = ("model.context_length=16", "train.context_length=16", "train.batch_size=4")
TOKENS = 10 * 4 * 16
VARY = ["model.mlp=swiglu,relu2", "train.embed_lr=0.00001"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    tokenizer.save(folder / "tokenizer.json")
    texts = {"train": [TEXT], "heldout": [TEXT]}
    build_shards(DataConfig(), texts, tokenizer, folder)
    said = parse_overrides([*SMALL, "machine.threads=1"])
    return find_base(str(folder), folder, said, shape="1x16")


def plan(base, vary=VARY, n_seeds=2):
    return plan_ablation(base, read_variants(vary), TOKENS, n_seeds, heldout_tokens=64)


class Listens(Silent):
    """Keeps the lines, and stops the work at one of them."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.lines, self.stop_after = [], stop_after

    def note(self, text):
        self.lines.append(text)
        if len(self.lines) == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def out(base, tmp_path_factory):
    """Where an ablation has run to its end."""
    folder = tmp_path_factory.mktemp("ablation")
    write_ablation(run_ablation(plan(base), folder), folder)
    return folder


def test_every_variant_trains_on_the_same_tokens_with_the_same_seeds(base):
    trials = plan(base).trials
    assert {config.train.total_tokens for config in trials.values()} == {TOKENS}
    assert {(label, c.train.seed) for (label, _), c in trials.items()} == set(trials)


def test_a_value_that_the_baseline_has_is_the_baseline(base):
    labels = [variant.label for variant in plan(base).variants]
    assert labels == ["baseline", "mlp=relu2", "embed_lr=0.00001"]


def test_a_difference_is_that_of_the_same_seed(base, out):
    found = collect_ablation(plan(base), out)
    first, *others = found.rows
    assert first.variant is BASELINE and first.difference is None
    for row in others:
        pairs = zip(row.results, first.results, strict=True)
        by_seed = [a.bits_per_byte - b.bits_per_byte for a, b in pairs]
        assert row.difference.value == pytest.approx(sum(by_seed) / 2)
        assert row.difference.low < row.difference.value < row.difference.high


def test_a_crippled_rate_is_seen_to_be_worse(base, out):
    crippled = collect_ablation(plan(base), out).rows[-1]
    assert crippled.difference.value > 0


def test_asking_for_more_trains_only_what_is_new(base, out):
    listener = Listens()
    run_ablation(plan(base, [*VARY, "model.tied=true"]), out, listener)
    known = [line for line in listener.lines if line.endswith("(known)")]
    assert (len(known), len(listener.lines)) == (6, 8)


def test_a_stopped_ablation_holds_whole_comparisons_and_goes_on(base, out, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_ablation(plan(base), tmp_path, Listens(stop_after=4))
    part = collect_ablation(plan(base), tmp_path)
    assert part.n_done == 4
    assert [row.difference.n for row in part.rows[1:]] == [1, 1]
    assert part.rows[1].verdict == "one seed"
    whole = run_ablation(plan(base), tmp_path)
    assert whole.as_json() == collect_ablation(plan(base), out).as_json()


def test_what_is_written_knows_no_clock_and_repeats(base, out, tmp_path):
    write_ablation(run_ablation(plan(base), tmp_path), tmp_path)
    names = ("ablation.json", "ablation.svg")
    for name in names:
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()
    written = json.loads((out / "ablation.json").read_text())
    assert written["trials_done"] == written["trials_asked"] == 6
    assert written["variants"][1]["follows"] == {"model.d_ff": 72}


def test_the_page_shows_table_picture_and_raw_figures(base, out):
    sheet = ablation_sheet(collect_ablation(plan(base), out))
    text = sheet.as_text()
    assert "mlp=relu2" in text and "seed 1" in text and "d_ff = 72" in text
    assert max(map(len, text.splitlines())) <= 80
    assert len(sheet.drawings) == 1 and "<svg" in sheet.as_html()


def test_one_seed_gives_a_difference_and_says_that_it_has_no_interval(base, out):
    found = collect_ablation(plan(base, n_seeds=1), out)
    assert found.rows[1].verdict == "one seed"
    assert "one seed" in ablation_sheet(found).as_text()


def test_nothing_trained_yet_is_said(base, tmp_path):
    found = collect_ablation(plan(base), tmp_path)
    assert found.n_done == 0
    assert "nothing compared yet" in ablation_sheet(found).title


def test_an_impossible_setting_is_refused_before_anything_is_trained(base):
    with pytest.raises(UserError, match="did you mean 'mlp'"):
        plan(base, ["model.mpl=relu2"])
    with pytest.raises(UserError, match="multiple"):
        plan(base, ["model.n_kv_heads=3"])
