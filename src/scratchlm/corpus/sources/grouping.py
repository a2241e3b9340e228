"""Small pieces in shards, so that adding one changes one shard.

Whether a shard ends after a piece is decided by a hash of that piece's own name,
more probably the larger it is: pieces before and after have no say, so a new one
either joins a shard or cuts one in two. Shards are a quarter of the limits on
average. One that would still exceed them (one in fifty) is cut after the piece with
the smallest hash, and again.
"""

from collections.abc import Iterator, Sequence

from scratchlm.base.hashing import sha256_bytes
from scratchlm.corpus.sources.piece import Piece

SHARD_BYTES = 64 * 2**20
SHARD_PIECES = 512
LIMITS_TO_MEAN = 4  # the share above the limits is e**-4


def group_pieces(
    pieces: Sequence[Piece], shard_bytes: int = SHARD_BYTES
) -> Iterator[tuple[Piece, ...]]:
    """Groups of at most `shard_bytes` and 512 pieces, in the order given.

    Parts of files and pieces of more than a quarter of `shard_bytes` stand alone.
    """
    group: list[Piece] = []
    for piece in pieces:
        if piece.kind != "file" or piece.n_bytes * LIMITS_TO_MEAN >= shard_bytes:
            yield from _cut(group, shard_bytes)
            yield (piece,)
            group = []
            continue
        group.append(piece)
        if _draw(piece) < _probability(piece, shard_bytes):
            yield from _cut(group, shard_bytes)
            group = []
    yield from _cut(group, shard_bytes)


def _draw(piece: Piece) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int(sha256_bytes(piece.name.encode())[:13], 16) / 16**13


def _probability(piece: Piece, shard_bytes: int) -> float:
    """That a shard ends after this piece."""
    share = piece.n_bytes / shard_bytes + 1 / SHARD_PIECES
    return LIMITS_TO_MEAN * share


def _cut(group: Sequence[Piece], shard_bytes: int) -> Iterator[tuple[Piece, ...]]:
    todo = [group] if group else []
    while todo:
        part = todo.pop()
        n_bytes = sum(piece.n_bytes for piece in part)
        if len(part) <= SHARD_PIECES and n_bytes <= shard_bytes:
            yield tuple(part)
            continue
        last = min(range(len(part) - 1), key=lambda index: _draw(part[index]))
        todo += [part[last + 1 :], part[: last + 1]]
