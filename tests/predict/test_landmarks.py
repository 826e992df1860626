"""The points of faces as a table, and in the annotated copy."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emorec.cli import main
from emorec.errors import UserError
from emorec.extractors import FaceSearch, LogMel
from emorec.media import Face, MediaError, iter_frames, probe
from emorec.networks.landmarks import AS_68, LEFT_EYE, MESH, RIGHT_EYE
from emorec.predict.annotate import annotate
from emorec.predict.landmarks import landmark_table, search_of, write_landmarks
from emorec.predict.timeline import Timeline, TimelineRow
from emorec.types import Window
from tests.conftest import Place
from tests.helpers.detectors import Searched, Stub
from tests.helpers.media_files import Picture, Sound, times, tone, write_media


@pytest.fixture(scope="module")
def clip(place: Place, smoke_run: Path) -> Path:
    return sorted(place.media.rglob("*.mp4"))[0]


def test_a_row_is_a_person_in_a_frame(clip: Path) -> None:
    media = probe(clip)
    steps: list[tuple[int, int]] = []
    table = landmark_table(
        media, FaceSearch(min_face=80), rate=10, progress=lambda d, t: steps.append((d, t))
    )
    frames = len(np.arange(0, media.duration, 0.1))
    assert len(table) == frames
    assert steps[-1] == (frames, frames)
    assert table["time"].tolist() == pytest.approx(np.arange(frames) * 0.1)
    assert set(table["person"]) == {1}
    points = table.filter(regex="^[xy]_").to_numpy().reshape(frames, MESH, 2)[:, list(AS_68)]
    height, width = next(iter(iter_frames(media)))[1].shape[:2]
    assert (points > 0).all()
    assert (points < [width, height]).all()
    eyes = [points[:, list(eye)].mean(1) for eye in (LEFT_EYE, RIGHT_EYE)]
    assert (eyes[0][:, 0] < eyes[1][:, 0]).all()
    assert (points[:, 8, 1] > eyes[0][:, 1]).all()  # the chin is below


def test_nobody_is_an_empty_table_and_sound_an_error(tmp_path: Path) -> None:
    video = write_media(tmp_path / "a.mp4", Picture(times(10)))
    search = Searched(mode="every_frame", found_by=Stub([]))
    table = landmark_table(probe(video), search)
    assert table.empty
    write_landmarks(table, tmp_path / "a.csv")
    assert len(pd.read_csv(tmp_path / "a.csv").columns) == 2 + 2 * MESH
    sound = write_media(tmp_path / "a.m4a", None, Sound(tone(48000, 1.0)[None]))
    with pytest.raises(MediaError, match="no picture, so no landmarks"):
        landmark_table(probe(sound), search)
    with pytest.raises(UserError, match="rate above 0"):
        landmark_table(probe(video), search, rate=0)


def test_faces_are_found_as_the_model_finds_them() -> None:
    from emorec.extractors import FaceCrops

    mine = FaceSearch(min_face=80)
    assert search_of({"audio": LogMel(), "face": FaceCrops(faces=mine)}) == mine
    assert search_of({"audio": LogMel()}) == FaceSearch()


def test_predict_writes_them_beside_the_rest(
    smoke_run: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = write_media(tmp_path / "voice.m4a", None, Sound(tone(48000, 1.0)[None]))
    command = ["predict", str(smoke_run / "checkpoints/best.ckpt"), str(clip), str(sound)]
    out = tmp_path / "out"
    main([*command, "--out", str(out), "--landmarks", "--format", "parquet", "--device", "cpu"])
    records = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    seen = next(record for record in records if "landmarks" in record)
    table = pd.read_csv(out / seen["landmarks"])
    stored = pd.read_parquet(out / seen["landmarks"].replace(".csv", ".parquet"))
    pd.testing.assert_frame_equal(table, stored, check_dtype=False)
    assert len(table) > 10
    heard = next(record for record in records if "landmarks" not in record)
    assert "no landmarks: the file has no picture" in heard["warnings"]


def test_the_annotated_copy_shows_them(clip: Path, tmp_path: Path) -> None:
    table = landmark_table(probe(clip), FaceSearch(min_face=80), rate=5)
    x, y = (table.filter(regex=f"^{axis}_").to_numpy() for axis in "xy")
    box = Face(x.min(), y.min() - 20, x.max(), y.max(), 1.0)
    rows = [TimelineRow(Window(t, t + 0.5), 1, box, [0.4, 0.6], {}) for t in (0.0, 0.25, 0.5)]
    timeline = Timeline(clip, 1.0, ["a", "b"], rows, True)
    pictures = {}
    for landmarks in (False, True):
        path = tmp_path / f"{landmarks}.mp4"
        annotate(timeline, path, landmarks=landmarks)
        pictures[landmarks] = next(iter(iter_frames(probe(path))))[1].astype(int)
    changed = np.abs(pictures[True] - pictures[False]).sum(2) > 60
    rows_, columns = np.nonzero(changed)
    assert len(rows_) > 200
    nose = x[0, 1], y[0, 1]
    assert abs(np.median(columns) - nose[0]) < 25
    assert abs(np.median(rows_) - nose[1]) < 35
