import random

from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.sources.grouping import SHARD_PIECES, group_pieces
from scratchlm.corpus.sources.piece import Piece

LIMIT = 2**20


def make_pieces(sizes: dict[str, int]) -> list[Piece]:
    return [Piece(name, name, size, name) for name, size in sorted(sizes.items())]


def groups_of(sizes: dict[str, int]) -> list[tuple[Piece, ...]]:
    return list(group_pieces(make_pieces(sizes), LIMIT))


def many(count: int, seed: int, most: int) -> dict[str, int]:
    draw = random.Random(seed)
    return {f"folder/{i:05d}.txt": draw.randrange(most) for i in range(0, count, 2)}


sizes = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=6), st.integers(0, LIMIT), max_size=60
)


@given(sizes)
def test_every_piece_stands_in_one_group_in_order_and_within_the_limits(sizes):
    groups, pieces = groups_of(sizes), make_pieces(sizes)
    assert sorted(pieces, key=lambda piece: piece.name) == sorted(
        (piece for group in groups for piece in group), key=lambda piece: piece.name
    )
    assert groups == sorted(groups, key=lambda group: group[0].name)
    for group in groups:
        assert list(group) == [piece for piece in pieces if piece in group]
        assert group and (
            len(group) == 1 or sum(piece.n_bytes for piece in group) <= LIMIT
        )


@given(sizes, st.text("abcdef", min_size=1, max_size=6), st.integers(0, LIMIT))
def test_adding_a_file_changes_one_shard(sizes, name, size):
    """The one that it comes into, which may become several. Nothing else."""
    sizes = {other: size for other, size in sizes.items() if other != name}
    gone = set(groups_of(sizes)) - set(groups_of({**sizes, name: size}))
    assert len(gone) <= 1


def test_one_of_ten_thousand_files_changes_one_shard():
    before = many(20_000, 1, 8000)
    old = set(groups_of(before))
    assert len(old) > 50
    for number in range(1, 8, 2):
        name = f"folder/{number:05d}.txt"
        after = set(groups_of({**before, name: 20_000}))
        assert len(old - after) == 1 and len(after - old) in (1, 2)


def test_shards_are_neither_tiny_nor_above_the_limits():
    empty = dict.fromkeys(many(20_000, 3, 1), 0)
    counts = [len(group) for group in groups_of(empty)]
    assert max(counts) <= SHARD_PIECES
    assert sum(counts) / len(counts) > SHARD_PIECES / 2
    groups = groups_of(many(4000, 4, 40_000))
    n_bytes = [sum(piece.n_bytes for piece in group) for group in groups]
    assert max(n_bytes) <= LIMIT
    assert sum(n_bytes) / len(n_bytes) > LIMIT / 2


def test_parts_of_files_and_large_files_stand_alone():
    part = Piece("b", "b", 10, "", begin=0, end=10, kind="lines")
    small = [Piece(name, name, 10, "") for name in ("a1", "a2", "c1")]
    large = Piece("d", "d", LIMIT, "")
    groups = list(group_pieces([*small[:2], part, small[2], large], LIMIT))
    assert groups == [tuple(small), (part,), (large,)]


def test_packed_files_count_for_what_they_hold():
    sizes = {f"{number}.jsonl.gz": LIMIT // 20 for number in range(40)}
    counts = [len(group) for group in groups_of(sizes)]
    assert max(counts) <= 5 and len(counts) >= 8
    assert len(groups_of({"a.xz": LIMIT // 10, "b.txt": LIMIT // 10})) == 2


def test_no_pieces_no_shards():
    assert list(group_pieces([])) == []
