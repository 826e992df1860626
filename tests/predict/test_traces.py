"""A trained model of values over time on files: agreement with testing, and missing input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from emorec.errors import ModelError
from emorec.evaluation.postprocess import Chain
from emorec.media import MediaError, iter_frames, probe
from emorec.predict import Predictor, TracePrediction
from emorec.predict.pictures import prediction_figure
from emorec.predict.records import in_words
from emorec.types import Clip, Values
from emorec.windows import SlidingWindows
from tests.helpers.affect_run import SECONDS
from tests.helpers.media_files import Picture, Sound, times, tone, write_media

BOTH = ["arousal", "valence"]

pytestmark = pytest.mark.usefixtures("one_place")


@pytest.fixture
def predictor(affect_run: Path) -> Predictor:
    return Predictor.from_checkpoint(affect_run / "checkpoints/best.ckpt", device="cpu")


@pytest.fixture
def recording(affect_run: Path) -> Path:
    """A recording that the run tested."""
    name = str(pd.read_csv(affect_run / "predictions.csv")["recording"][0])
    (media,) = (affect_run.parent / "media").rglob(f"{name}.mp4")
    return media


def test_a_test_recording_gets_the_trace_that_it_got_in_testing(
    predictor: Predictor, affect_run: Path, recording: Path
) -> None:
    tested = pd.read_csv(affect_run / "predictions.csv")
    found = predictor.trace(recording)
    assert found.dimensions == BOTH
    assert found.values.dtype == np.float64
    assert found.values.shape == (round(SECONDS / 0.04), 2)
    assert len(tested) == len(found.values) + 5  # testing extends by the delay
    np.testing.assert_allclose(found.values, tested[BOTH][: len(found.values)], atol=1e-4)
    np.testing.assert_allclose(found.times, tested["time"][: len(found.values)], atol=1e-6)
    assert found.warnings == []
    assert found.modalities == {"audio": 5, "face": 5}
    # Also in a stage with one modality.
    alone = Predictor.from_checkpoint(affect_run / "checkpoints/audio.ckpt", device="cpu")
    heard = alone.trace(recording)
    tested = pd.read_csv(affect_run / "predictions_audio.csv")
    np.testing.assert_allclose(heard.values, tested[BOTH][: len(heard.values)], atol=1e-4)
    assert heard.alone == {}
    assert heard.modalities == {"audio": 5}


def test_the_chain_and_the_delay_of_the_model_are_applied(
    predictor: Predictor, recording: Path
) -> None:
    decision = predictor.model.decision
    decision.chain = torch.tensor([Chain()] * 2)
    decision.target = Values(BOTH, 0.04, 0.0)
    plain = predictor.trace(recording)
    decision.chain = torch.tensor([Chain(scale=2.0, about=1.0, shift=3), Chain()])
    decision.target = Values(BOTH, 0.04, 0.4)
    late = predictor.trace(recording)
    np.testing.assert_allclose(late.values[10:, 1], plain.values[:-10, 1])
    np.testing.assert_allclose(late.values[13:, 0], 2 * plain.values[:-13, 0] - 1)
    np.testing.assert_array_equal(late.values[:10, 1], plain.values[0, 1])
    np.testing.assert_allclose(late.alone["face"][10:], plain.alone["face"][:-10])
    assert late.values.shape == plain.values.shape


def test_each_modality_alone_is_the_model_without_the_others(
    predictor: Predictor, recording: Path, tmp_path: Path
) -> None:
    predictor.model.decision.chain = torch.tensor([Chain()] * 2)
    both = predictor.trace(recording)
    assert set(both.alone) == {"audio", "face"}
    frames = [image for _, image in iter_frames(probe(recording))]
    silent = write_media(
        tmp_path / "silent.mkv", Picture(times(175), draw=lambda i: frames[i]), None
    )
    seen = predictor.trace(silent)
    assert seen.modalities == {"audio": 0, "face": 5}
    assert "no audio in 5 of 5 windows" in seen.warnings
    assert set(seen.alone) == {"face"}
    np.testing.assert_array_equal(seen.values, seen.alone["face"])
    assert not np.allclose(both.values, both.alone["face"])
    assert not np.allclose(both.alone["audio"], both.alone["face"])


def test_a_part_of_a_recording_and_sound_in_a_file_of_its_own(
    predictor: Predictor, recording: Path, tmp_path: Path
) -> None:
    whole = predictor.trace(recording)
    assert whole.title == recording.name
    frames = [image for _, image in iter_frames(probe(recording))]
    silent = write_media(
        tmp_path / "silent.mkv", Picture(times(175), draw=lambda i: frames[i]), None
    )
    apart = Clip("both", silent, sidecars={"audio": recording})
    found = predictor.trace(apart)
    assert (found.title, found.file) == ("both", silent)
    np.testing.assert_allclose(found.alone["audio"], whole.alone["audio"], atol=1e-6)
    part = predictor.trace(Clip("part", recording, span=(2.0, 5.0)))
    assert part.values.shape == (75, 2)
    assert part.duration == pytest.approx(3.0)
    assert part.to_frame()["clip"].unique().tolist() == ["part"]
    assert "clip" not in whole.to_frame()
    with pytest.raises(MediaError, match="the file of audio"):
        predictor.trace(Clip("gone", silent, sidecars={"audio": tmp_path / "none.wav"}))


def test_a_recording_is_read_in_parts_and_the_size_of_batches_changes_nothing(
    predictor: Predictor, recording: Path, affect_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[int, int]] = []
    whole = predictor.trace(recording, lambda done, total: steps.append((done, total)))
    assert steps == [(5, 5)]
    monkeypatch.setattr("emorec.predict.traces.PART", 2)
    monkeypatch.setattr("emorec.predict.traces.LARGE", 0)  # faces, too, part by part
    path = affect_run / "checkpoints/best.ckpt"
    again = Predictor.from_checkpoint(path, "cpu", batch_size=1).trace(recording)
    np.testing.assert_allclose(again.values, whole.values, atol=1e-4)


def test_muted_passages_of_long_recordings_are_sound(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor.model.decision.chain = torch.tensor([Chain()] * 2)
    sound = tone(48000, 8.0)
    sound[: 5 * 48000] = 0
    path = write_media(tmp_path / "a.mkv", None, Sound(sound[None]))
    whole = predictor.trace(path)
    monkeypatch.setattr("emorec.predict.traces.PART", 2)
    monkeypatch.setattr("emorec.predict.traces.LARGE", 0)
    parts = predictor.trace(path)
    assert parts.modalities["audio"] == whole.modalities["audio"] == 5
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-4)


def test_a_short_recording_has_as_many_steps_as_it_lasts(
    predictor: Predictor, tmp_path: Path
) -> None:
    path = write_media(tmp_path / "a.mp4", Picture(times(30)), Sound(tone(48000, 1.2)[None]))
    found = predictor.trace(path)
    assert found.values.shape == (int(probe(path).duration / 0.04 + 1e-6), 2)
    assert not np.isnan(found.values).any()
    assert found.modalities == {"audio": 1, "face": 1}


def test_gaps_have_no_values_and_are_reported(predictor: Predictor, tmp_path: Path) -> None:
    predictor.model.decision.chain = torch.tensor([Chain()] * 2)
    predictor.model.decision.target = Values(BOTH, 0.04, 0.0)
    predictor.windows = SlidingWindows(2.0, 2.0)
    # Video lasts 2 s and sound starts at 6 s: separate windows, and two with neither.
    path = write_media(
        tmp_path / "a.mkv", Picture(times(50)), Sound(tone(48000, 2.0)[None], start=6.0)
    )
    found = predictor.trace(path)
    known = ~np.isnan(found.values[:, 0])
    assert known[:50].all()
    assert not known[50:150].any()
    assert known[150:].all()
    assert np.isnan(found.alone["audio"][:150]).all()
    assert np.isnan(found.alone["face"][50:]).all()
    assert found.alone["face"].shape == found.values.shape
    # Extractors count within their own windows; the model's modalities are counted instead.
    assert found.warnings == [
        "no audio in 3 of 4 windows",
        "no face in 3 of 4 windows",
        "nothing usable in 2 of 4 windows: no values for them",
    ]
    table = found.to_frame()
    alone = [f"{modality}_{name}" for modality in ("audio", "face") for name in BOTH]
    assert list(table) == ["file", "time", *BOTH, *alone]
    assert table["valence"].isna().sum() == 100
    assert table["time"].iloc[-1] == pytest.approx(0.04 * (len(table) - 1))


def test_a_summary_is_of_what_is_known() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    summary = TracePrediction(
        file=Path("a.mp4"),
        modalities={},
        dimensions=BOTH,
        step=0.04,
        values=values,
        alone={"face": values},
    ).to_dict()
    arousal = {"mean": 2.0, "deviation": 1.0, "minimum": 1.0, "maximum": 3.0}
    assert summary["dimensions"] == {"arousal": arousal, "valence": dict.fromkeys(arousal)}
    assert summary["alone"]["face"]["arousal"] == arousal
    assert in_words(summary) == "arousal 2.00 (1.00 to 3.00), valence: no value is known"
    assert (summary["file"], summary["steps"], summary["step"]) == ("a.mp4", 3, 0.04)


def test_a_file_without_anything_to_go_by_gives_its_reason(
    predictor: Predictor, tmp_path: Path
) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    with pytest.raises(MediaError, match="not readable as media"):
        predictor.trace(tmp_path / "bad.mp4")
    short = write_media(tmp_path / "a.m4a", None, Sound(tone(48000, 0.2)[None]))
    with pytest.raises(MediaError, match=r"nothing usable .*no audio in 1 of 1 windows"):
        predictor.trace(short)  # too short to use


def test_a_recording_shorter_than_half_a_window_has_a_trace(
    predictor: Predictor, tmp_path: Path
) -> None:
    short = write_media(tmp_path / "a.m4a", None, Sound(tone(48000, 0.5)[None]))
    trace = predictor.trace(short)
    assert len(trace.values) == pytest.approx(0.5 / trace.step, abs=1)


def test_the_picture_has_a_panel_a_dimension(predictor: Predictor, recording: Path) -> None:
    predictor.model.decision.chain = torch.tensor([Chain()] * 2)
    found = predictor.trace(recording)
    figure = prediction_figure(found)
    assert [panel.get_ylabel() for panel in figure.axes] == BOTH
    assert figure.axes[-1].get_xlabel() == "time (s)"
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == ["together", "audio alone", "face alone"]
    widths = [line.get_linewidth() for line in figure.axes[0].lines]
    assert widths[0] > max(widths[1:])
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), found.values[:, 1])
    predictor.model.decision.chain = torch.tensor([Chain(), Chain(scale=2.0)])
    processed = prediction_figure(predictor.trace(recording)).axes[0].lines[0].get_label()
    assert processed == "together,\npost-processed"
    one = TracePrediction(
        file=Path("a"), modalities={}, dimensions=["arousal"], step=0.04, values=np.zeros((1, 1))
    )
    assert len(prediction_figure(one).axes) == 1


def test_a_model_says_what_else_it_predicts(
    predictor: Predictor, smoke_run: Path, recording: Path
) -> None:
    with pytest.raises(ModelError, match=r"a timeline needs a model of classes.*emorec predict"):
        predictor.timeline(recording)
    classes = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", "cpu")
    with pytest.raises(ModelError, match=r"predicts classes \(anger, .*Predictor\.vote"):
        classes.trace(recording)
