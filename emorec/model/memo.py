"""What frozen parts of encoders made of windows: they run once a window, not once an epoch."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from emorec.types import SegmentBatch

Key = tuple[int, int]  # clip and window

LIMIT = 1 << 30  # bytes
BLOCK = 16  # rows


class Memo:
    """Keeps rows by clip and window, in the computer's memory.

    Valid as long as neither the frozen weights nor the inputs change: within a stage, if neither
    ``data.augment`` nor a callback changes the inputs.

    Args:
        whole: Names of encoders that do not learn at all.
        limit: Bytes that are kept; what comes later is computed each time.

    Attributes:
        bytes: Those that are kept.
    """

    def __init__(self, whole: frozenset[str], limit: int = LIMIT) -> None:
        self.whole, self.limit, self.bytes = whole, limit, 0
        self._rows: dict[str, dict[Key, Tensor]] = {}
        self._full = False

    def rows(
        self,
        name: str,
        part: Callable[[Tensor], Tensor],
        x: Tensor,
        batch: SegmentBatch,
        rows: Tensor,
    ) -> Tensor:
        """Return what a frozen part makes of a batch, from memory where it is there.

        Args:
            name: Name of the encoder.
            part: Its frozen part; what it makes of a row must not depend on other rows.
            x: Input (B, ...).
            batch: The batch, whose ``clip`` and ``index`` name the rows.
            rows: bool (B,), where the modality is present.

        Returns:
            (B, ...) on the device of ``x``; zeros in the other rows.
        """
        known = self._rows.setdefault(name, {})
        keys = list(zip(batch.clip.tolist(), batch.index.tolist(), strict=True))
        there = rows.nonzero()[:, 0].tolist()
        old = [i for i in there if keys[i] in known]
        new = [i for i in there if keys[i] not in known]
        kept = [known[keys[i]] for i in old]
        # Without any row, one for the shape.
        made = _in_blocks(part, x[new or [0]]) if new or not kept else None
        like = kept[0] if made is None else made[0]
        found = torch.zeros(len(x), *like.shape, dtype=like.dtype, device=x.device)
        if old:
            found[old] = torch.stack(kept).to(found)
        if made is not None and new:
            found[new] = made
            for i, row in zip(new, made, strict=True):
                self._keep(known, keys[i], row)
        return found

    def _keep(self, known: dict[Key, Tensor], key: Key, row: Tensor) -> None:
        size = row.numel() * row.element_size()
        if self.bytes + size <= self.limit:
            known[key] = row.cpu().clone()  # not a view of its batch
            self.bytes += size
        elif not self._full:
            self._full = True
            warnings.warn(
                f"outputs of frozen encoders fill {self.limit / 2**30:.1f} GiB; those of further "
                "windows are computed in each epoch",
                stacklevel=2,
            )


def _in_blocks(part: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return what a part makes of rows, always so many at once.

    The last bits of a product depend on the number of rows: a resumed run, which meets the windows
    in other company, would differ.
    """
    made = []
    with torch.no_grad():
        for start in range(0, len(x), BLOCK):
            rows = x[start : start + BLOCK]
            filled = torch.cat([rows, rows[:1].expand(BLOCK - len(rows), *rows.shape[1:])])
            made.append(part(filled)[: len(rows)])
    return torch.cat(made)
