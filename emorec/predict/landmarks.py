"""Points of the faces in a recording, as a table."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emorec.errors import UserError
from emorec.extractors import Extractor, FaceSearch
from emorec.extractors.faces.track import follow_everybody
from emorec.media import Media, MediaError
from emorec.media.mesh import face_mesh
from emorec.networks.landmarks import MESH
from emorec.types import Array

if TYPE_CHECKING:
    import pandas as pd

RATE = 25.0  # frames a second


def search_of(extractors: Mapping[str, Extractor]) -> FaceSearch:
    """Return how a model finds faces: as its first extractor of faces, or as by default."""
    found = (getattr(each, "faces", None) for each in extractors.values())
    return next((each for each in found if isinstance(each, FaceSearch)), FaceSearch())


def landmark_table(
    media: Media,
    search: FaceSearch,
    device: str = "cpu",
    rate: float = RATE,
    progress: Callable[[int, int], None] | None = None,
) -> "pd.DataFrame":
    """Return the points of everybody's face, a row a person and frame.

    Columns: time (seconds from the recording's origin), person (from 1), and x_0, y_0, ... y_467:
    pixels of the video's frames, y down, in the order of MediaPipe's mesh. Frames in which nobody
    is found have no row.

    Args:
        media: The recording.
        search: How faces are found.
        device: Where the detector's networks run.
        rate: Frames per second.
        progress: Called with the number of frames done and in total.

    Raises:
        MediaError: It has no picture.
        UserError: The rate is not positive, or the mesh's package is not installed.
    """
    import pandas as pd  # lazy: keeps start-up fast

    if rate <= 0:
        raise UserError(f"landmarks need a rate above 0 frames per second, got {rate:g}")
    if media.video is None:
        raise MediaError("no picture, so no landmarks")
    mesh = face_mesh()
    times = np.arange(0, media.duration, 1 / rate)
    rows: list[Array] = []
    for frame in follow_everybody(media, times.tolist(), search, device, 1):
        for person, face in sorted(frame.faces.items()):
            points = mesh.points(frame.image, face)
            if points is not None:
                rows += [np.array([times[i], person, *points.ravel()]) for i in frame.of]
        if progress is not None:
            progress(max(frame.of, default=0) + 1, len(times))
    names = ["time", "person", *(f"{axis}_{i}" for i in range(MESH) for axis in "xy")]
    values = np.stack(rows) if rows else np.empty((0, len(names)))
    table = pd.DataFrame(values, columns=names).round(2)
    table["time"] = values[:, 0].round(4)
    return table.astype({"person": int})


def write_landmarks(table: "pd.DataFrame", path: Path) -> None:
    """Write the table as CSV, or as Parquet if the file's name ends so; whole or not at all."""
    from emorec.predict.tables import write_parquet
    from emorec.system.files import write_text

    if path.suffix == ".parquet":
        write_parquet(table, path)
    else:
        write_text(path, table.to_csv(index=False))
