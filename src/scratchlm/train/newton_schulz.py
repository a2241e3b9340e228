"""The nearest orthogonal matrix, by products alone. Axes: N matrices of R × C.

    x ← a·x + b·(x xᵀ) x + c·(x xᵀ)² x      on each singular value: a·σ + b·σ³ + c·σ⁵

Newton–Schulz iterations with Polar Express's polynomials (Amsel et al. 2025), each the
best one for what its predecessors leave. All iterates of a wide matrix are x times a
polynomial of x xᵀ, so in float32 the small square matrices are multiplied first and x
only once: with C ≥ 1.5 R that takes fewer operations, a third less at C = 8/3 R.
"""

import torch
from jaxtyping import Float
from torch import Tensor

POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)
"""(a, b, c) of each iteration; the last one repeats."""

Polynomials = tuple[tuple[float, float, float], ...]


def orthogonalise(
    matrices: Float[Tensor, "N R C"], steps: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "N R C"]:
    """Move all singular values of each matrix towards 1 (its polar factor).

    Args:
        matrices: of any size and scale.
        steps: iterations; five bring values above 1 % of the Frobenius norm near 1.
        dtype: of the products; float32 or bfloat16. The result is float32.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) * 1.01 + 1e-7)
    polynomials = (POLAR_EXPRESS + POLAR_EXPRESS[-1:] * steps)[:steps]
    wide = 2 * x.shape[2] > 3 * x.shape[1]
    if wide and dtype == torch.float32:
        x = _by_gram_matrix(x, polynomials)
    else:
        x = _by_iterates(x.to(dtype), polynomials).to(matrices.dtype)
    return x.mT if tall else x


def _by_iterates(x: Tensor, polynomials: Polynomials) -> Tensor:
    for a, b, c in polynomials:
        gram = torch.bmm(x, x.mT)  # (N, R, R)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x


def _by_gram_matrix(x: Tensor, polynomials: Polynomials) -> Tensor:
    """The same iterates: x_k = q_k x with q_k and x_k x_kᵀ symmetric, and commuting."""
    gram, q = torch.bmm(x, x.mT), None  # (N, R, R)
    for k, (a, b, c) in enumerate(polynomials):
        p = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        p.diagonal(dim1=-2, dim2=-1).add_(a)
        q = p if q is None else torch.bmm(p, q)
        if k < len(polynomials) - 1:
            gram = torch.bmm(torch.bmm(p, gram), p)
    return x if q is None else torch.bmm(q, x)
