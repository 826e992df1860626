"""Models whose inputs are normalised within the speaker, on new recordings."""

import csv
import json
from pathlib import Path

import pytest

from emorec.cli import main
from emorec.errors import ModelError
from emorec.predict import Predictor
from emorec.predict.recording import Recording, open_recording
from emorec.runs.results import Results
from tests.conftest import Place, smoke


@pytest.fixture(scope="module")
def run(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("within") / "run"
    smoke(run, place, "--data.within", "speaker")
    return run


def first_row(run: Path) -> tuple[str, dict[str, str]]:
    """Return the speaker of a test clip, and its row of predictions.csv."""
    with (run / "predictions.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    return row["clip"].split("-")[0], row


def records(out: Path) -> dict[str, dict[str, object]]:
    lines = (out / "predictions.jsonl").read_text().splitlines()
    return {Path(each["file"]).stem: each for each in map(json.loads, lines)}


def test_the_results_say_so(run: Path) -> None:
    assert Results.read(run / "metrics.json").within == "speaker"
    assert "inputs normalised within the speaker" in (run / "summary.txt").read_text()


def test_all_clips_of_a_speaker_are_predicted_as_they_were_tested(
    run: Path, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker, row = first_row(run)
    files = [str(path) for path in sorted(place.media.rglob(f"{speaker}-*.*"))]
    model = str(run / "checkpoints/best.ckpt")
    command = ["predict", model, "--device", "cpu", "--no-pictures", "--speaker", speaker]
    main([*command, *files, "--out", str(tmp_path / "all")])
    found = records(tmp_path / "all")[Path(row["clip"]).stem]
    probabilities = found["probabilities"]
    assert isinstance(probabilities, dict)
    for name, share in probabilities.items():
        assert share == pytest.approx(float(row[f"p_{name}"]), abs=2e-3)
    assert not any("not within the speaker" in str(each) for each in found["warnings"])  # type: ignore[attr-defined]

    # A single clip is normalised with what was written for its speaker.
    (one,) = (path for path in files if Path(path).stem == Path(row["clip"]).stem)
    known = ["--speakers", str(tmp_path / "all/speakers.json")]
    main([*command, *known, one, "--out", str(tmp_path / "one")])
    assert records(tmp_path / "one")[Path(one).stem]["probabilities"] == probabilities

    # Repeated, nothing is done again; and nobody is measured again.
    capsys.readouterr()
    written = (tmp_path / "all/speakers.json").stat().st_mtime_ns
    main([*command, *files, "--out", str(tmp_path / "all")])
    shown = capsys.readouterr()
    assert f"{len(files)} of them before" in shown.out
    assert "measure" not in shown.err
    assert (tmp_path / "all/speakers.json").stat().st_mtime_ns >= written


def test_a_clip_of_an_unknown_speaker_is_normalised_by_the_training_clips_and_says_so(
    run: Path, place: Place
) -> None:
    media = sorted(place.media.rglob("*.mp4"))[0]
    predictor = Predictor.from_checkpoint(run / "checkpoints/best.ckpt", device="cpu")
    found = predictor.vote(media)
    assert any("not within the speaker" in text for text in found.warnings)
    statistics = predictor.measure([media, media])
    predictor.for_speaker(statistics)
    known = predictor.vote(media)
    assert not any("not within the speaker" in text for text in known.warnings)
    assert known.scores != found.scores
    predictor.for_speaker(None)
    assert predictor.vote(media).scores == found.scores


def test_a_speaker_is_measured_in_one_pass_over_the_files(
    run: Path, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor.from_checkpoint(run / "checkpoints/best.ckpt", device="cpu")
    opened: list[object] = []

    def counted(named: object, extractors: object) -> Recording:
        opened.append(named)
        return open_recording(named, extractors)  # type: ignore[arg-type]

    monkeypatch.setattr("emorec.predict.predictor.open_recording", counted)
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    files = [*sorted(place.media.rglob("*.mp4"))[:2], bad]
    found = predictor.measure(iter(files))
    assert opened == files
    assert len(predictor.shown) > 1
    assert set(found.clips.values()) == {2}


def test_other_models_refuse_a_speaker(
    smoke_run: Path, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    media = sorted(place.media.rglob("*.mp4"))[0]
    model = smoke_run / "checkpoints/best.ckpt"
    with pytest.raises(SystemExit):
        main(["predict", str(model), str(media), "--out", str(tmp_path), "--speaker", "anna"])
    assert "are for models trained with data.within: speaker" in capsys.readouterr().err
    predictor = Predictor.from_checkpoint(model, device="cpu")
    with pytest.raises(ModelError, match=r"not trained with data\.within"):
        predictor.for_speaker(predictor.measure([media, media]))


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": {"inputs": "x"}}'])
def test_a_damaged_file_of_speakers_is_named(
    run: Path, place: Place, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    media = sorted(place.media.rglob("*.mp4"))[0]
    file = tmp_path / "speakers.json"
    file.write_text(content)
    model = str(run / "checkpoints/best.ckpt")
    options = ["--speaker", "a", "--speakers", str(file), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        main(["predict", model, str(media), *options])
    assert "is not what emorec predict --speaker writes" in capsys.readouterr().err
