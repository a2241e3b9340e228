"""What ``xz -9e`` makes of the same bytes: the yardstick that needs no training.

A language model with b bits per byte is a compressor to b/8 of the size, and a
general-purpose compressor is therefore a fair rival on the same text (Shannon 1948).
xz is asked twice: each file alone, as it meets a stranger, and all files as one
archive, where each file may borrow from those before it. The files are joined without
any archive header, which is the form that flatters xz most.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PRESET = 9 | lzma.PRESET_EXTREME
_SMALLEST_DICTIONARY_BYTES = 1 << 16
_LARGEST_DICTIONARY_BYTES = 1 << 26  # that of preset 9


@dataclass(frozen=True)
class Compression:
    """Sizes under ``xz -9e``; ``file_bytes`` and ``file_compressed_bytes`` align."""

    names: tuple[str, ...]
    file_bytes: tuple[int, ...]
    file_compressed_bytes: tuple[int, ...]
    archive_compressed_bytes: int

    @property
    def n_bytes(self) -> int:
        """Bytes of text, UTF-8."""
        return sum(self.file_bytes)

    @property
    def per_file_bits_per_byte(self) -> float:
        """Every file compressed alone: all bits over all bytes; nan without text."""
        return _bits_per_byte(sum(self.file_compressed_bytes), self.n_bytes)

    @property
    def archive_bits_per_byte(self) -> float:
        """All files compressed as one; nan without text."""
        return _bits_per_byte(self.archive_compressed_bytes, self.n_bytes)

    def as_json(self) -> dict[str, Any]:
        """The two figures; the sizes of the files stand in the per-document table."""
        return {
            "command": "xz -9e",
            "n_bytes": self.n_bytes,
            "per_file_bits_per_byte": round(self.per_file_bits_per_byte, 6),
            "archive_bits_per_byte": round(self.archive_bits_per_byte, 6),
        }


def count_xz_bytes(data: bytes) -> int:
    """Length of ``xz -9e`` of ``data``.

    Preset 9 reserves 674 MB for its 64 MiB dictionary whatever the input; the
    dictionary here is only as large as the data needs, which changes no length.
    """
    dictionary = 1 << max(len(data) - 1, 0).bit_length()
    dictionary = max(dictionary, _SMALLEST_DICTIONARY_BYTES)
    filters = [
        {
            "id": lzma.FILTER_LZMA2,
            "preset": PRESET,
            "dict_size": min(dictionary, _LARGEST_DICTIONARY_BYTES),
        }
    ]
    packed = lzma.compress(
        data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, filters=filters
    )
    return len(packed)


def measure_compression(
    texts: Sequence[str], names: Sequence[str] | None = None
) -> Compression:
    """Compress each text alone and all of them, in the given order, as one."""
    files = [text.encode("utf-8") for text in texts]
    labels = names if names is not None else [str(i) for i in range(len(files))]
    assert len(labels) == len(files)
    return Compression(
        names=tuple(labels),
        file_bytes=tuple(len(data) for data in files),
        file_compressed_bytes=tuple(count_xz_bytes(data) for data in files),
        archive_compressed_bytes=count_xz_bytes(b"".join(files)),
    )


def _bits_per_byte(compressed_bytes: int, n_bytes: int) -> float:
    return 8 * compressed_bytes / n_bytes if n_bytes else float("nan")
