"""What a user gets to read for the mistakes that users make in configs and data."""

import csv
import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from emorec.cli import main
from tests.conftest import Place, smoke

EXPERIMENTS = Path("configs/experiment")
QUIET = ["--trainer.enable_progress_bar", "false"]


def message(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a command that must fail prints to standard error."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert stop.value.code == 2
    return capsys.readouterr().err


def fit(capsys: pytest.CaptureFixture[str], tmp: Path, experiment: str, *more: str) -> str:
    config = str(EXPERIMENTS / f"{experiment}.yaml")
    run = ["--run", str(tmp / "run"), "--data.cache", str(tmp / "cache")]
    return message(capsys, "fit", "--config", config, *run, *QUIET, *more)


def write_manifest(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    return path


def test_a_wrong_root_is_named_with_the_expected_layout(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = fit(capsys, tmp_path, "ravdess", "--data.root", str(tmp_path / "nowhere"))
    assert "nowhere, does not exist; name the folder of the set in data.root" in said
    assert "expected the archives of RAVDESS" in said
    assert "ROOT/Actor_01/01-01-03-01-01-01-01.mp4" in said


def test_a_root_without_clips_says_what_was_expected(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    said = fit(capsys, tmp_path, "ravdess", "--data.root", str(tmp_path / "empty"))
    assert "no clip found in" in said
    assert "expected the archives of RAVDESS" in said


def test_an_unknown_emotion_is_named_with_its_line_and_the_classes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    manifest = write_manifest(tmp_path / "clips.csv", [("a.mp4", "anger"), ("b.mp4", "joy")])
    said = fit(capsys, tmp_path, "manifest", "--data.manifest", str(manifest))
    assert "clips.csv, clip 2: unknown emotion 'joy'; the classes are anger, disgust" in said


def test_an_unknown_class_name_is_answered_with_near_ones(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: Place
) -> None:
    options = [*place.options(), "--model.encoders.audio", "ImagEncoder"]
    said = message(
        capsys, "fit", "--config", str(EXPERIMENTS / "smoke.yaml"), "--run", str(tmp_path), *options
    )
    assert "no class named 'ImagEncoder' is registered; did you mean ImageEncoder" in said


def test_a_missing_weights_file_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: Place
) -> None:
    with pytest.raises(SystemExit):
        smoke(tmp_path / "run", place, "--model.encoders.audio.weights", "/no/resnet.pth")
    assert "weights file /no/resnet.pth not found; expected 'imagenet', 'none'" in (
        capsys.readouterr().err
    )


def test_a_checkpoint_of_other_classes_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: Place, smoke_run: Path
) -> None:
    media = sorted(place.media.rglob("*.mp4"))[:6]
    rows = [(str(path), name) for path, name in zip(media, ["good", "bad"] * 3, strict=True)]
    manifest = write_manifest(tmp_path / "clips.csv", rows)
    (tmp_path / "run").mkdir()
    shutil.copytree(smoke_run / "checkpoints", tmp_path / "run/checkpoints")
    other = [
        "--data=Manifest",
        f"--data.manifest={manifest}",
        "--data.classes=[good, bad]",
        f"--data.cache={tmp_path / 'cache'}",
        "--data.windows=RandomWindows",
        "--data.windows.count=2",
        "--data.workers=0",
        "--data.extractors="
        "{audio: {class_path: LogMel}, face: {class_path: FaceCrops, init_args: {size: 94}}}",
        *QUIET,
    ]
    config = ["--config", str(EXPERIMENTS / "smoke.yaml")]
    said = message(capsys, "test", *config, "--run", str(tmp_path / "run"), *other)
    assert "the checkpoint's targets are {'emotion': {'names': ['anger'" in said
    assert "the data's are {'emotion': {'names': ['good', 'bad']}}" in said
    # In the run's own directory the data alone tells that it is another one.
    said = message(capsys, "test", *config, "--run", str(smoke_run), *other)
    assert "is a run with another config" in said
    assert "data.class_path: 'emorec.data.Synthetic' in the run" in said


def test_another_split_is_not_tested_on(
    capsys: pytest.CaptureFixture[str], smoke_run: Path
) -> None:
    said = message(capsys, "test", "--run", str(smoke_run), "--data.seed=5")
    assert "data.init_args.seed: 0 in the run, 5 now" in said


def test_no_space_left_says_what_stays_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    said = message(
        capsys,
        "preprocess",
        "--data",
        "configs/data/synthetic_tiny.yaml",
        f"--data.root={place.media}",
        f"--data.cache={tmp_path}",
        "--workers=0",
    )
    assert "no space left in the cache folder" in said
    assert "What it holds stays valid" in said
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_modalities_of_model_and_data_must_agree(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: Place
) -> None:
    with pytest.raises(SystemExit):
        smoke(tmp_path / "run", place, "--data.extractors", "{audio: {class_path: LogMel}}")
    assert "the model encodes audio, face but the data extracts audio" in capsys.readouterr().err


def test_an_unreadable_file_given_to_predict_is_listed_and_the_rest_is_done(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: Place, smoke_run: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    good = sorted(place.media.rglob("*.mp4"))[0]
    model = str(smoke_run / "checkpoints/best.ckpt")
    main(["predict", model, str(bad), str(good), "--out", str(tmp_path / "out"), "--device", "cpu"])
    shown = capsys.readouterr()
    assert f"{bad}: skipped, not readable as media" in shown.err
    assert "1 of 2 files predicted, 1 skipped" in shown.out
    assert (tmp_path / f"out/{good.stem}_timeline.png").is_file()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "--data.batchsize 3",
            "--data.batchsize 3: there is no option batchsize, did you mean batch_size",
        ),
        ("--data.batch_size many", "--data.batch_size many: expected a whole number, not 'many'"),
        (
            "--data.split people",
            "--data.split people: people is not known; it can be random_clip, ",
        ),
        ("--model.fusion LateFusio", "did you mean LateFusion"),
        ("--model.encoders.audio.dimm 3", "there is no option dimm, did you mean dim"),
        ("--model.optimizer torch.optim.Adamm", "torch.optim has no Adamm, did you mean Adam"),
        ("--training.stages.joint.epoch 3", "there is no option epoch, did you mean epochs"),
        ("--trainer.precision 17", "--trainer.precision: 17 is not known; it can be 64, 32, 16, "),
        ("--data.windows.layers 3", "has no option layers"),
        ("--rum x", "unknown option --rum, did you mean --run"),
        ("--seed_everything x", "--seed_everything: expected true or false or a whole number"),
        ("--trainer gup", "no file gup, and no config of that name; did you mean gpu?"),
    ],
)
def test_a_wrong_option_is_one_line_in_the_words_of_the_user(
    options: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = message(capsys, "fit", "--config", "smoke", *options.split())
    assert expected in said
    assert len(said.splitlines()) == 1
    for word in ("Parser key", "NestedArg", "Union", "<class", "typing."):
        assert word not in said


@pytest.mark.parametrize("command", ["predict", "experiment", "cache", "configs"])
def test_other_commands_answer_in_one_line_too(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = message(capsys, command, "--hepl")
    assert len(said.splitlines()) == 1
    assert f"; emorec {command} --help explains the options" in said


def test_without_an_experiment_fit_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert message(capsys, "fit") == (
        "emorec: name an experiment: --config NAME; emorec configs lists them; "
        "emorec fit --help explains the options\n"
    )


def test_without_a_run_test_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "name a finished run: --run DIR" in message(capsys, "test")


def test_a_long_value_is_not_repeated_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 5000
    assert len(message(capsys, "fit", "--config", "smoke", "--data.batch_size", long)) < 1000
