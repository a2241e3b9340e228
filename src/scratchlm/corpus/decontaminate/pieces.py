"""The documents of a shard in blocks of a good size, long ones in pieces."""

from collections.abc import Iterator
from dataclasses import dataclass

from scratchlm.corpus.flow.rounds import Shard

BLOCK_BYTES = 2**18  # fits the second-level cache
PIECE_BYTES = 2**22
OVERLAP_BYTES = 2**15


@dataclass(frozen=True)
class Piece:
    """A document, or one of the overlapping pieces of a long one."""

    row: int
    document: str
    text: bytes
    begin: int
    end: int

    @property
    def is_last(self) -> bool:
        """Does the document end here?"""
        return self.end == len(self.text)


def cut_pieces(row: int, document: str, text: bytes) -> Iterator[Piece]:
    """A document as pieces of at most 4 MiB that overlap by 32 KiB, cut at blanks."""
    begin = 0
    while len(text) - begin > PIECE_BYTES:
        end = begin + PIECE_BYTES
        blank = text.rfind(b" ", end - OVERLAP_BYTES // 2, end)
        end = blank if blank > 0 else _at_character(text, end)
        yield Piece(row, document, text, begin, end)
        blank = text.find(b" ", end - OVERLAP_BYTES, end)
        begin = blank if blank > 0 else _at_character(text, end - OVERLAP_BYTES)
    yield Piece(row, document, text, begin, len(text))


def _at_character(text: bytes, place: int) -> int:
    while text[place] & 0xC0 == 0x80:
        place -= 1
    return place


def shard_blocks(shard: Shard) -> Iterator[list[Piece]]:
    """The documents of a shard in blocks of about 256 kB; pieces of long ones alone."""
    block: list[Piece] = []
    size = 0
    for batch in shard.batches(("id", "text")):
        data, ends = batch.utf8()
        for number, (row, name) in enumerate(
            zip(batch.rows.tolist(), batch.column("id"), strict=True)
        ):
            text = data[ends[number] : ends[number + 1]].tobytes()
            if size + len(text) > BLOCK_BYTES and block:
                yield block
                block, size = [], 0
            if len(text) > PIECE_BYTES:
                for piece in cut_pieces(row, name, text):
                    yield [piece]
                continue
            block.append(Piece(row, name, text, 0, len(text)))
            size += len(text)
    if block:
        yield block
