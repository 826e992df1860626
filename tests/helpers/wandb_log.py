"""The records of a W&B run's transaction log, which W&B itself only reads in its service."""

import struct
import time
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
        if position + 7 + size > len(data):
            return  # it is being written
        body += data[position + 7 : position + 7 + size]
        position += 7 + size
        if kind in (1, 4):  # whole, or the last piece
            yield Record.FromString(body)
            body = b""


def whole_log(path: Path, seconds: float = 120.0) -> list[Record]:
    """Return all records as soon as the last one, the run's exit, is there.

    Raises:
        TimeoutError: It does not come.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = list(records(path))
        if any(record.HasField("exit") for record in found):
            return found
        time.sleep(0.2)
    kinds = [record.WhichOneof("record_type") for record in records(path)]
    raise TimeoutError(
        f"{path} ({path.stat().st_size} bytes) has no exit after {seconds} s: {kinds}"
    )
