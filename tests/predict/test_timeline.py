"""Timelines: the grid of windows, agreement with the vote of a clip, missing input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emorec.media import Face, MediaError, iter_frames, probe
from emorec.predict import Predictor
from emorec.predict.annotate import annotate
from emorec.predict.pictures import timeline_figures
from emorec.predict.timeline import Timeline, TimelineRow
from emorec.types import Window
from emorec.windows import GridWindows, WholeClip
from tests.conftest import Place
from tests.helpers.corners import changing
from tests.helpers.media_files import Picture, Sound, times, tone, write_media


@pytest.fixture(scope="module")
def predictor(smoke_run: Path) -> Predictor:
    return Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")


@pytest.fixture(scope="module")
def clip(place: Place) -> Path:
    return sorted(place.media.rglob("*.mp4"))[0]


def test_windows_lie_on_a_grid_over_the_whole_recording(predictor: Predictor, clip: Path) -> None:
    steps: list[tuple[int, int]] = []
    timeline = predictor.timeline(clip, 0.1, lambda done, total: steps.append((done, total)))
    media = probe(clip)
    wanted = GridWindows(0.5, 0.1)("", media.duration)
    assert [row.window for row in timeline.of(1)] == wanted
    assert timeline.persons == [1]
    assert steps[-1] == (len(wanted), len(wanted))
    assert timeline.duration == media.duration
    for row in timeline.rows:
        assert set(row.alone) == {"audio", "face"}
        assert sum(row.scores) == pytest.approx(1, abs=1e-5)


def test_a_timeline_agrees_with_the_vote_on_the_same_windows(
    predictor: Predictor, smoke_run: Path, clip: Path
) -> None:
    grid = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")
    grid.windows = GridWindows(0.5, 0.25)
    vote = grid.vote(clip)
    timeline = predictor.timeline(clip, 0.25)
    assert [row.window for row in timeline.rows] == vote.windows
    for row, scores in zip(timeline.rows, vote.scores, strict=True):
        # Face tracking starts at another frame, so the box may differ by a pixel.
        assert row.scores == pytest.approx(scores, abs=0.02)


def test_a_model_of_whole_clips_sees_a_short_one_as_a_whole(
    smoke_run: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")
    whole.windows = WholeClip()
    vote, timeline = whole.vote(clip), whole.timeline(clip, 0.25)
    assert [row.window for row in timeline.rows] == vote.windows  # 2 s would go beyond its end
    assert timeline.rows[0].scores == pytest.approx(vote.scores[0], abs=0.02)
    warned = "the model was trained on whole clips: windows of 0.5 s here"
    assert warned not in timeline.warnings
    monkeypatch.setattr("emorec.predict.predictor.LENGTH", 0.5)  # now it is a long one
    timeline = whole.timeline(clip, 0.25)
    assert [row.window for row in timeline.rows] == GridWindows(0.5, 0.25)("", timeline.duration)
    assert warned in timeline.warnings


def test_the_table_has_a_row_a_person_and_window(predictor: Predictor, clip: Path) -> None:
    timeline = predictor.timeline(clip, 0.25)
    table = timeline.to_frame()
    assert len(table) == len(timeline.rows)
    for column in ("start", "end", "person", "label", "audio_label", "face_p_anger", "left"):
        assert column in table
    probabilities = [f"p_{name}" for name in timeline.classes]
    best = table[probabilities].to_numpy().argmax(axis=1)
    assert table["label"].tolist() == [timeline.classes[i] for i in best]
    summary = timeline.to_dict()["persons"][0]
    assert summary["windows"] == len(table)
    assert summary["probabilities"]["anger"] == pytest.approx(table["p_anger"].mean())


def test_what_is_missing_is_reported_and_the_rest_is_used(
    predictor: Predictor, tmp_path: Path
) -> None:
    sound = Sound(tone(48000, 2.0)[None])
    faceless = write_media(tmp_path / "a.mp4", Picture(times(50)), sound)
    timeline = predictor.timeline(faceless)
    assert timeline.persons == [None]
    assert "no face in 4 of 4 windows" in timeline.warnings
    assert all(set(row.alone) == {"audio"} for row in timeline.rows)
    assert timeline.to_frame()["person"].tolist() == [""] * 4
    mute = write_media(tmp_path / "b.mp4", Picture(times(50)), None)
    with pytest.raises(MediaError, match=r"nothing usable .*no sound; .*no face in 4 of 4 windows"):
        predictor.timeline(mute)


def test_pictures_show_each_person(predictor: Predictor, clip: Path, tmp_path: Path) -> None:
    timeline = predictor.timeline(clip, 0.25)
    assert timeline.faces[1][0][1].shape == (94, 94, 3)
    (person, figure), *rest = timeline_figures(timeline)
    assert (person, rest) == (1, [])
    strips = [label.get_text() for label in figure.axes[2].get_yticklabels()]
    assert strips == ["together", "audio", "face", "agree"]
    assert len(figure.axes[0].artists) > 1
    assert isinstance(timeline.to_frame(), pd.DataFrame)


@pytest.mark.parametrize("late", [0.0, 0.4])
def test_the_annotated_copy_keeps_picture_and_sound_in_sync(
    predictor: Predictor, late: float, tmp_path: Path
) -> None:
    sound = Sound(tone(48000, 2.0)[None], start=late)
    original = write_media(tmp_path / "a.mp4", Picture(times(50)), sound)
    timeline = predictor.timeline(original)
    annotate(timeline, tmp_path / "copy.mp4")
    before, after = probe(original), probe(tmp_path / "copy.mp4")
    assert before.audio is not None
    assert after.audio is not None
    assert before.video is not None
    assert after.video is not None
    for one, other in ((before.audio, after.audio), (before.video, after.video)):
        assert other.start == pytest.approx(one.start, abs=0.03)  # AAC has frames of 21 ms
        assert other.end == pytest.approx(one.end, abs=0.07)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_sound_alone_cannot_be_annotated(predictor: Predictor, tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.m4a", None, Sound(tone(48000, 1.0)[None]))
    timeline = predictor.timeline(path)
    assert not timeline.seen
    with pytest.raises(MediaError, match="no video to draw on"):
        annotate(timeline, tmp_path / "copy.mp4")
    assert not (tmp_path / "copy.mp4").exists()


def test_a_picture_of_a_long_recording_has_few_parts(timeline_of_an_hour: Timeline) -> None:
    ((_, figure),) = timeline_figures(timeline_of_an_hour)
    bands = figure.axes[2]
    # One collection per strip and colour, whatever the number of windows.
    assert len(bands.collections) <= 3 * 3 + 1
    spans = [path for collection in bands.collections[:3] for path in collection.get_paths()]
    assert len(spans) == 72  # the most likely class changes every 100 windows


@pytest.fixture
def timeline_of_an_hour() -> Timeline:
    def scores(best: int) -> list[float]:
        return [0.8 if i == best else 0.1 for i in range(3)]

    rows = [
        TimelineRow(
            Window(i / 2, i / 2 + 0.5),
            1,
            None,
            scores(i // 100 % 3),
            {"audio": scores(0), "face": scores(1)},
        )
        for i in range(7200)
    ]
    return Timeline(Path("long.mp4"), 3600.0, ["a", "b", "c"], rows, True)


def test_a_box_stays_in_place_where_the_size_of_the_picture_changes(tmp_path: Path) -> None:
    path = changing(tmp_path / "call.mkv", (160, 120), (320, 240), (80, 60))
    windows = GridWindows()("", 3.0)
    box = Face(40.0, 60.0, 80.0, 110.0, 1.0)
    rows = [TimelineRow(window, 1, box, [1.0], {}) for window in windows]
    annotate(Timeline(path, 3.0, ["anger"], rows, True), tmp_path / "out.mp4")
    shown = [image.astype(int) for _, image in iter_frames(probe(tmp_path / "out.mp4"))]
    assert {image.shape for image in shown} == {(120, 160, 3)}
    plain = [image.astype(int) for _, image in iter_frames(probe(path))]
    for number in (10, 35, 60):
        drawn = np.abs(shown[number] - plain[number]).sum(2)[70:105]
        edge = drawn[:, 36:44].mean(0)  # the left side of the box
        assert edge.max() > 60, number
        assert abs(36 + int(edge.argmax()) - 40) <= 1, number
