"""A trained model on files: the Python API, and agreement with testing."""

import csv
from pathlib import Path

import pytest

from emorec.media import MediaError, iter_frames, probe
from emorec.predict import CheckpointError, Predictor
from emorec.types import Clip, FeatureBundle, SegmentBatch
from tests.conftest import Place
from tests.helpers.media_files import Picture, times, write_media


@pytest.fixture(scope="module")
def predictor(smoke_run: Path) -> Predictor:
    return Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")


def test_a_test_clip_is_predicted_as_it_was_tested(
    predictor: Predictor, smoke_run: Path, place: Place
) -> None:
    with (smoke_run / "predictions.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    (media,) = place.media.rglob(f"{row['clip']}.*")
    prediction = predictor.vote(media)
    assert prediction.label == row["predicted"]
    for name, probability in prediction.probabilities.items():
        # Testing reads log-mels from a float16 cache; prediction uses the same dtype.
        assert probability == pytest.approx(float(row[f"p_{name}"]), abs=1e-4)
    assert len(prediction.windows) == int(row["segments"])


def test_windows_are_in_order_and_carry_probabilities(predictor: Predictor, place: Place) -> None:
    prediction = predictor.vote(sorted(place.media.rglob("*.mp4"))[0])
    starts = [window.start for window in prediction.windows]
    assert starts == sorted(starts)
    for scores in prediction.scores:
        assert sum(scores) == pytest.approx(1, abs=1e-5)
    assert prediction.crops[0] is not None
    assert prediction.crops[0].shape == (94, 94, 3)
    described = prediction.to_dict()
    assert described["windows"][0]["probabilities"].keys() == prediction.probabilities.keys()


def test_each_modality_alone_is_the_model_without_the_others(
    predictor: Predictor, place: Place
) -> None:
    prediction = predictor.vote(sorted(place.media.rglob("*.mp4"))[0])
    assert set(prediction.alone) == {"audio", "face"}
    for probabilities in prediction.alone.values():
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert probabilities != prediction.probabilities
    assert prediction.to_dict()["alone"] == prediction.alone


def test_sound_in_a_file_of_its_own_is_heard(
    predictor: Predictor, place: Place, tmp_path: Path
) -> None:
    media = sorted(place.media.rglob("*.mp4"))[0]
    frames = [image for _, image in iter_frames(probe(media))]
    seen = Picture(times(len(frames)), draw=lambda i: frames[i])
    silent = write_media(tmp_path / "silent.mkv", seen, None)
    clip = Clip(media.stem, silent, sidecars={"audio": media})
    found, wanted = predictor.vote(clip), predictor.vote(media)
    assert found.alone["audio"] == pytest.approx(wanted.alone["audio"], abs=1e-4)
    assert found.file == silent
    rows = predictor.timeline(clip).rows
    heard = predictor.timeline(media).rows
    assert rows[0].alone["audio"] == pytest.approx(heard[0].alone["audio"], abs=1e-4)


def test_the_size_of_batches_changes_nothing_and_shrinks_where_memory_is_short(
    predictor: Predictor, smoke_run: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = sorted(place.media.rglob("*.mp4"))[0]
    whole = predictor.vote(media)
    small = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", "cpu", batch_size=1)
    assert small.run.size == 1
    assert small.vote(media).probabilities == pytest.approx(whole.probabilities, abs=1e-5)

    poor = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", "cpu")
    run = poor.model.forward

    def forward(batch: SegmentBatch) -> FeatureBundle:
        if len(batch) > 1:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return run(batch)

    monkeypatch.setattr(poor.model, "forward", forward)
    assert poor.vote(media).probabilities == pytest.approx(whole.probabilities, abs=1e-5)
    assert poor.run.size == 1


def test_a_unimodal_checkpoint_needs_its_modality_only(smoke_run: Path, place: Place) -> None:
    alone = Predictor.from_checkpoint(smoke_run / "checkpoints/audio.ckpt", device="cpu")
    prediction = alone.vote(sorted(place.media.rglob("*.avi"))[0])
    assert prediction.modalities == {"audio": len(prediction.windows)}
    assert prediction.alone == {}


def test_an_unreadable_file_gives_its_reason(predictor: Predictor, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a video")
    with pytest.raises(MediaError, match="not readable as media"):
        predictor.vote(bad)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.ckpt not found"):
        Predictor.from_checkpoint(tmp_path / "none.ckpt")


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.ckpt"
    path.write_text("hello")
    with pytest.raises(CheckpointError, match="not a checkpoint that torch can read"):
        Predictor.from_checkpoint(path)
