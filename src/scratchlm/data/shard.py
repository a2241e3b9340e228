"""One shard: a header of 128 bytes, then numbers, little-endian on every machine.

offset  bytes  what
     0      8  magic: which kind of numbers follow
     8      4  version of this format (1)
    12      4  bytes a number: 2 or 4 for tokens, 8 for offsets
    16      8  how many numbers follow
    24      8  how many documents end in this file
    32     32  SHA-256 of the tokenizer that made the ids; of a packing, its key
    64     32  SHA-256 of the numbers' bytes
    96      4  CRC-32 of the 96 bytes before
   100     28  zero
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.atomic import atomic_path
from scratchlm.base.errors import UserError

HEADER_BYTES = 128
VERSION = 1
Kind = Literal["tokens", "documents", "pieces", "rows"]

_MAGIC: dict[Kind, bytes] = {
    "tokens": b"SLMTOKEN",
    "documents": b"SLMDOCMT",
    "pieces": b"SLMPIECE",
    "rows": b"SLMPROWS",
}
_FIELDS = struct.Struct("<8sIIQQ32s32s")
_CHECK = struct.Struct("<I")
_TYPES: dict[int, np.dtype[Any]] = {
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    8: np.dtype("<i8"),
}


@dataclass(frozen=True)
class ShardHeader:
    """What a shard says of itself."""

    kind: Kind
    item_bytes: int
    n_items: int
    n_documents: int
    tokenizer_sha256: str
    content_sha256: str

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return _TYPES[self.item_bytes]

    @property
    def file_bytes(self) -> int:
        """Size of a whole file."""
        return HEADER_BYTES + self.n_items * self.item_bytes


def write_shard(
    path: Path,
    kind: Kind,
    items: NDArray[np.integer],
    n_documents: int,
    tokenizer_sha256: str,
) -> ShardHeader:
    """Write one shard atomically; equal items give equal bytes.

    Args:
        path: the file.
        kind: what the items are.
        items: (n_items,), uint16 or uint32 for tokens, int64 for documents.
        n_documents: documents that end here.
        tokenizer_sha256: 64 hexadecimal digits.
    """
    return write_parts(path, kind, [items], n_documents, tokenizer_sha256)


def write_parts(
    path: Path,
    kind: Kind,
    parts: Iterable[NDArray[np.integer]],
    n_documents: int,
    tokenizer_sha256: str,
) -> ShardHeader:
    """Write one shard from arrays of one type, none of which is held afterwards.

    Args:
        path: the file.
        kind: what the items are.
        parts: at least one array, which may be empty.
        n_documents: documents that end here.
        tokenizer_sha256: 64 hexadecimal digits.
    """
    digest, n_items, item_bytes = hashlib.sha256(), 0, 0
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.seek(HEADER_BYTES)
        for part in parts:
            item_bytes = part.itemsize
            content = np.ascontiguousarray(part, dtype=_TYPES[item_bytes])
            file.write(content.data)
            digest.update(content.data)
            n_items += len(content)
        assert item_bytes, "a shard has a type even where it has no items"
        header = ShardHeader(
            kind, item_bytes, n_items, n_documents, tokenizer_sha256, digest.hexdigest()
        )
        file.seek(0)
        file.write(_write_header(header))
    return header


def read_header(path: Path, kind: Kind) -> ShardHeader:
    """Read and check a shard's header against the file's size.

    Raises:
        UserError: missing, foreign, of another version, damaged, or truncated.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: build the data again") from None
    header = _parse_header(path, kind, head)
    size = path.stat().st_size
    if size != header.file_bytes:
        raise UserError(
            f"{path} has {size} bytes instead of {header.file_bytes}: it was cut off "
            "or appended to; build the data again"
        )
    return header


def map_items(path: Path, header: ShardHeader) -> NDArray[Any]:
    """Map a shard's numbers, read-only, (n_items,); nothing is read yet."""
    found = np.memmap(
        path, header.dtype, mode="r", offset=HEADER_BYTES, shape=(header.n_items,)
    )
    return np.asarray(found)  # the same memory; a memmap costs more with every slice


def verify_items(path: Path, header: ShardHeader) -> None:
    """Read the whole shard and compare its checksum.

    Raises:
        UserError: the content is not what was written.
    """
    items = map_items(path, header)
    if hashlib.sha256(items.data).hexdigest() != header.content_sha256:
        raise UserError(f"{path} is damaged: its checksum differs; build it again")


def _write_header(header: ShardHeader) -> bytes:
    fields = _FIELDS.pack(
        _MAGIC[header.kind],
        VERSION,
        header.item_bytes,
        header.n_items,
        header.n_documents,
        bytes.fromhex(header.tokenizer_sha256),
        bytes.fromhex(header.content_sha256),
    )
    return (fields + _CHECK.pack(zlib.crc32(fields))).ljust(HEADER_BYTES, b"\0")


def _parse_header(path: Path, kind: Kind, head: bytes) -> ShardHeader:
    if not head.startswith(_MAGIC[kind]):
        raise UserError(f"{path} is not a ScratchLM file of {kind}: build it again")
    if len(head) < HEADER_BYTES:
        raise UserError(f"{path} is cut off inside its header: build the data again")
    fields = head[: _FIELDS.size]
    _, version, item_bytes, n_items, n_documents, tokenizer, content = _FIELDS.unpack(
        fields
    )
    if version != VERSION:
        raise UserError(
            f"{path} has version {version} of the format, this ScratchLM reads "
            f"{VERSION}: build the data again"
        )
    checked = _CHECK.unpack_from(head, _FIELDS.size)[0] == zlib.crc32(fields)
    if not checked or item_bytes not in _TYPES:
        raise UserError(f"{path} has a damaged header: build the data again")
    return ShardHeader(
        kind, item_bytes, n_items, n_documents, tokenizer.hex(), content.hex()
    )
