"""The records of a W&B run's transaction log, which W&B itself only reads in its service."""

import struct
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

BLOCK = 32768  # a record goes on behind a block's end, after another header


def records(path: Path) -> Iterator[Record]:
    """Yield what a ``.wandb`` file holds, in order; LevelDB's log format behind 7 bytes."""
    data, body, position = path.read_bytes(), b"", 7
    while position + 7 <= len(data):
        left = BLOCK - position % BLOCK
        if left < 7:  # no room for a header: padding
            position += left
            continue
        size, kind = struct.unpack_from("<HB", data, position + 4)  # behind a checksum
        body += data[position + 7 : position + 7 + size]
        position += 7 + size
        if kind in (1, 4):  # whole, or the last piece
            yield Record.FromString(body)
            body = b""
