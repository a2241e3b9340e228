"""Small pieces in shards, so that adding one changes one shard.

A shard is a prefix of the hash of names: it holds the pieces whose names' hashes begin
with it, and splits in two, by the next bit, when it would exceed the limits (extendible
hashing). A new piece makes sums larger on its own path alone, and what has been split
there stays split: one shard changes, or becomes two. Shards are 50 to 100 % full.
Packed files count four times their size: they are large once they are read.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scratchlm.base.hashing import sha256_bytes
from scratchlm.corpus.sources.piece import Piece

SHARD_BYTES = 64 * 2**20
SHARD_PIECES = 512
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".tgz", ".txz", ".parquet", ".epub")
PACKED_FACTOR = 4
ALONE_FRAC = 0.25  # of the limit in bytes: such pieces would leave shards half empty


def group_pieces(
    pieces: Sequence[Piece], shard_bytes: int = SHARD_BYTES
) -> list[tuple[Piece, ...]]:
    """Groups of at most `shard_bytes` and 512 pieces, by the place of their first.

    Parts of files and pieces of more than a quarter of `shard_bytes` stand alone. In
    a group pieces keep their order.
    """
    alone = [_stands_alone(piece, shard_bytes) for piece in pieces]
    small = [
        _Hashed(int(sha256_bytes(piece.name.encode()), 16), index, _weight(piece))
        for index, piece in enumerate(pieces)
        if not alone[index]
    ]
    groups = [[index] for index in range(len(pieces)) if alone[index]]
    groups += _split(small, 255, shard_bytes)
    return [tuple(pieces[index] for index in group) for group in sorted(groups)]


class _Hashed(NamedTuple):
    digest: int  # 256 bits
    place: int
    n_bytes: int


def _stands_alone(piece: Piece, shard_bytes: int) -> bool:
    return piece.kind != "file" or _weight(piece) > ALONE_FRAC * shard_bytes


def _weight(piece: Piece) -> int:
    """Bytes to be read, roughly."""
    is_packed = piece.name.lower().endswith(PACKED)
    return piece.n_bytes * (PACKED_FACTOR if is_packed else 1)


def _split(
    pieces: Sequence[_Hashed], bit: int, shard_bytes: int
) -> Iterator[list[int]]:
    n_bytes = sum(piece.n_bytes for piece in pieces)
    if len(pieces) <= SHARD_PIECES and n_bytes <= shard_bytes:
        if pieces:
            yield [piece.place for piece in pieces]
        return
    for half in (0, 1):
        part = [piece for piece in pieces if (piece.digest >> bit) & 1 == half]
        yield from _split(part, bit - 1, shard_bytes)
