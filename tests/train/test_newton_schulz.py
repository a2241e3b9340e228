import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.train.newton_schulz import orthogonalise, polynomials_for


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(
    st.integers(1, 24), st.integers(1, 24), st.integers(0, 100), st.sampled_from([5, 8])
)
def test_orthogonalising_brings_singular_values_near_one(rows, columns, seed, steps):
    matrix = draw(rows, columns, seed=seed)
    values = torch.linalg.svdvals(matrix)
    found = torch.linalg.svdvals(orthogonalise(matrix[None], steps)[0])
    large = values > 0.02 * values[0]  # what is smaller needs more iterations
    assert found.shape == values.shape
    assert (found[large] - 1).abs().max() < 0.35
    assert found.max() < 1.35


@pytest.mark.parametrize(
    ("steps", "least", "error"), [(3, 0.01, 0.3), (4, 0.003, 0.25), (5, 0.0015, 0.25)]
)
def test_more_steps_lift_smaller_singular_values(steps, least, error):
    """The product of the polynomials, on a diagonal matrix of Frobenius norm 1."""
    values = torch.logspace(math.log10(least), -0.02, 60)
    for value in values.tolist():
        rest = math.sqrt(1 - value**2)
        found = orthogonalise(torch.diag(torch.tensor([value, rest]))[None], steps)
        assert abs(float(found[0, 0, 0]) - 1) < error
    tiny = torch.diag(torch.tensor([least / 10, 1.0]))[None]
    assert float(orthogonalise(tiny, steps)[0, 0, 0]) < 0.5


def test_every_polynomial_is_the_best_on_what_the_ones_before_leave():
    """Equioscillation: at the interval's ends the error is as large as inside it."""
    for steps, least in ((3, 0.01), (4, 0.003)):
        low, high = least, 1.0
        for a, b, c in polynomials_for(steps):
            x = torch.linspace(low, high, 20_001, dtype=torch.float64)
            y = a * x + b * x**3 + c * x**5
            error = float((y - 1).abs().max())
            ends = [1 - float(y[0]), 1 - float(y[-1])]
            assert ends == pytest.approx([error, -error], abs=2e-3)
            low, high = 1 - error, 1 + error


@pytest.mark.parametrize("shape", [(8, 12), (12, 8), (4, 40)])
def test_orthogonalising_keeps_the_singular_vectors(shape):
    matrix = draw(*shape)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonalise(matrix[None], 12)[0]
    torch.testing.assert_close(found, u @ vh, atol=0.1, rtol=0)


@pytest.mark.parametrize("steps", [1, 3, 5, 7])
@pytest.mark.parametrize("shape", [(2, 16, 24), (2, 16, 25), (2, 64, 16), (1, 1, 9)])
def test_both_forms_are_the_iteration_by_its_definition(shape, steps):
    """In float64, term by term; wide matrices go by their Gram matrix."""
    matrices = draw(*shape)
    x = matrices.double()
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) * 1.01)
    for a, b, c in polynomials_for(steps):
        gram = x @ x.mT
        x = a * x + b * gram @ x + c * gram @ gram @ x
    found = orthogonalise(matrices, steps).double()
    torch.testing.assert_close(found, x, atol=1e-4, rtol=0)


def test_a_matrix_of_low_rank_stays_bounded():
    """Rounding makes the Gram matrix's zeros a little negative."""
    matrix = draw(1, 32, 2) @ draw(1, 2, 96, seed=1)
    found = torch.linalg.svdvals(orthogonalise(matrix, 8)[0])
    assert found[2:].max() < 0.05
    assert (found[:2] - 1).abs().max() < 0.35


def test_bfloat16_is_near_float32():
    matrices = draw(3, 24, 64)
    rounded = orthogonalise(matrices, 5, torch.bfloat16)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, orthogonalise(matrices, 5), atol=0.05, rtol=0)


@pytest.mark.parametrize("factor", [1e-3, 1e6])
def test_the_size_of_a_gradient_plays_no_part(factor):
    matrix = draw(1, 6, 9)
    expected = orthogonalise(matrix, 5)
    torch.testing.assert_close(
        orthogonalise(factor * matrix, 5), expected, atol=0.02, rtol=0
    )


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 9)])
def test_no_gradient_moves_no_matrix(shape):
    assert orthogonalise(torch.zeros(shape), 5).abs().max() == 0
