"""Messages between this process and the one that extracts: a length, then bytes."""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

LENGTH = struct.Struct("<q")


def write_frame(stream: IO[bytes], data: bytes | memoryview) -> None:
    """Send one message: its length in bytes, little-endian, then the bytes."""
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes:
    """Receive one message.

    Raises:
        EOFError: the other side has ended.
    """
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def pack_json(value: Mapping[str, Any]) -> bytes:
    """A mapping as bytes; half surrogate pairs survive."""
    return json.dumps(value, ensure_ascii=True).encode("ascii")


def unpack_json(data: bytes) -> dict[str, Any]:
    """What `pack_json` was given."""
    value: dict[str, Any] = json.loads(data)
    return value
