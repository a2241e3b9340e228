import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from scratchlm.generate.config import Sampling
from scratchlm.generate.sampling import choose, forbid, kept_probabilities, sample

PROBABILITIES = [0.2, 0.5, 0.3]  # ids 0, 1, 2
LOGITS = torch.tensor([PROBABILITIES]).log()


def chosen(u, **options):
    sampling = Sampling(temperature=1.0, **options)
    return int(choose(LOGITS, sampling, torch.tensor([u])))


@pytest.mark.parametrize(
    ("u", "id"),
    # running sums 0.2, 0.7, 1.0
    [(0.0, 0), (0.19, 0), (0.21, 1), (0.69, 1), (0.71, 2), (0.999, 2)],
)
def test_a_number_names_the_token_whose_running_sum_passes_it(u, id):
    assert chosen(u) == id


@pytest.mark.parametrize(
    ("u", "id"),
    # ids 1 and 2 stay, with 0.625 and 0.375
    [(0.0, 1), (0.62, 1), (0.63, 2), (0.999, 2)],
)
@pytest.mark.parametrize("options", [{"top_k": 2}, {"top_p": 0.8}, {"top_p": 0.51}])
def test_the_two_best_share_what_the_third_had(options, u, id):
    assert chosen(u, **options) == id


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_p": 0.5}, {"top_p": 0.01}])
def test_the_best_token_always_stays(options):
    assert {chosen(u, **options) for u in (0.0, 0.5, 0.999)} == {1}


def test_top_p_counts_what_top_k_left():
    # top-k 2 leaves 0.625, 0.375: the first alone reaches 0.6
    assert chosen(0.99, top_k=2, top_p=0.6) == 1
    assert chosen(0.99, top_p=0.6) == 2


def test_a_temperature_of_one_half_squares_the_odds():
    sampling = Sampling(temperature=0.5)
    probabilities, ids = kept_probabilities(LOGITS, sampling)
    squares = torch.tensor([[0.04, 0.25, 0.09]])
    torch.testing.assert_close(probabilities, squares / squares.sum())
    assert ids.tolist() == [[0, 1, 2]]


def test_temperature_zero_takes_the_best_and_needs_no_chance():
    assert int(choose(LOGITS, Sampling(), None)) == 1


def test_forbidden_ids_are_never_chosen():
    logits = forbid(LOGITS, [1])
    assert int(choose(logits, Sampling(), None)) == 2
    drawn = {
        int(choose(logits, Sampling(temperature=5.0), torch.tensor([u / 50])))
        for u in range(50)
    }
    assert drawn == {0, 2}
    assert float(LOGITS[0, 1]) > -1, "the model's own logits are left alone"


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.sampled_from([None, 0.3, 0.9, 1.0]))
def test_a_large_vocabulary_sorts_as_much_as_top_p_needs(seed, top_p):
    """Flat rows need more than the first look, peaked rows less: one rule for both."""
    generator = torch.Generator().manual_seed(seed)
    flat = torch.randn(1, 600, generator=generator) / 10
    sampling = Sampling(temperature=1.0, top_p=top_p)
    for logits in (flat, flat * 100):
        probabilities, ids = kept_probabilities(logits, sampling)
        full = logits.softmax(1)
        least = float(probabilities[probabilities > 0].min())
        kept = ids[probabilities > 0]
        mass = float(full[0, kept].sum())
        assert mass >= (top_p or 1.0) - 1e-5
        smallest = float(full[0, kept].min())
        assert mass - smallest < (top_p or 1.0) + 1e-5, "one token fewer is too few"
        assert least > 0 and float(probabilities.sum()) == pytest.approx(1, abs=1e-5)


def test_frequencies_are_the_probabilities():
    n = 20_000
    generator = torch.Generator().manual_seed(7)
    drawn = sample(LOGITS.expand(n, 3), Sampling(temperature=1.0), generator)
    shares = torch.bincount(drawn, minlength=3) / n
    torch.testing.assert_close(shares, torch.tensor(PROBABILITIES), atol=0.02, rtol=0)


def test_each_row_may_have_its_own_generator():
    sampling = Sampling(temperature=2.0)
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))

    def draw(rows, seeds):
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return sample(logits[rows], sampling, generators).tolist()

    together = draw([0, 1, 2], [5, 6, 7])
    assert together == [*draw([0], [5]), *draw([1], [6]), *draw([2], [7])]


@pytest.mark.parametrize(
    "bad", [{"temperature": -1}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.1}]
)
def test_settings_without_a_meaning_are_refused(bad):
    with pytest.raises(ValidationError):
        Sampling(**bad)
