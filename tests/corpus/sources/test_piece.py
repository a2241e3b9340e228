from dataclasses import replace

from scratchlm.corpus.sources.piece import InputShard, Piece

PIECE = Piece("a.txt", "/somewhere/a.txt", 5, "f" * 64, source="text")


def test_where_a_file_lies_is_not_part_of_its_shards_fingerprint():
    moved = replace(PIECE, location="s3://bucket/a.txt")
    assert InputShard("text", (PIECE,)).fingerprint == (
        InputShard("text", (moved,)).fingerprint
    )


def test_whatever_decides_documents_changes_the_fingerprint():
    shard = InputShard("text", (PIECE, replace(PIECE, name="b.txt")))
    changes = {
        "name": "c",
        "n_bytes": 6,
        "fingerprint": "e" * 64,
        "begin": 1,
        "end": 4,
        "kind": "lines",
        "first_row": 2,
        "source": "other",
        "url": "http://h/",
        "content_type": "text/html",
    }
    assert set(changes) == set(Piece.__dataclass_fields__) - {"location"}
    seen = {shard.fingerprint, InputShard("other", shard.pieces).fingerprint}
    seen.add(InputShard("text", shard.pieces[::-1]).fingerprint)
    for field, value in changes.items():
        other = InputShard("text", (replace(PIECE, **{field: value}), shard.pieces[1]))
        seen.add(other.fingerprint)
    assert len(seen) == 3 + len(changes)
    assert shard.n_bytes == 10
