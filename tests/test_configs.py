"""Every config in configs/ is parsed, instantiated and run for a batch on generated clips."""

import csv
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import yaml

from emorec.cli import main
from emorec.commands.arguments import default_run
from emorec.study import read_study
from tests.conftest import ROOT, Place
from tests.helpers.corpora import SYSTEMS

CONFIGS = ROOT / "configs"
EVERY = {path.stem for path in (CONFIGS / "experiment").glob("*.yaml")}
EXPERIMENTS = sorted(EVERY - SYSTEMS)  # the others have tests of their own
TRAINERS = sorted(path.stem for path in (CONFIGS / "trainer").glob("*.yaml"))
RAVDESS_CODE = {
    "happiness": "03",
    "sadness": "04",
    "anger": "05",
    "fear": "06",
    "disgust": "07",
    "surprise": "08",
}
SMALL = [
    "--trainer.accelerator=cpu",
    "--trainer.devices=1",
    "--trainer.sync_batchnorm=false",  # exists on GPUs only
    "--trainer.limit_train_batches=1",
    "--trainer.limit_val_batches=1",
    "--trainer.limit_test_batches=1",
    "--trainer.enable_progress_bar=false",
    "--data.batch_size=6",
    "--data.workers=0",
    "--data.windows=RandomWindows",
    "--data.windows.count=2",
]


@pytest.fixture(scope="module")
def sets(place: Place, smoke_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the generated clips as trees of corpora and as a manifest."""
    folder = tmp_path_factory.mktemp("sets")
    rows, annotated = [], []
    for media in sorted(place.media.rglob("*.*")):
        subject, emotion, take = media.stem.split("-")
        rows.append((str(media), emotion, subject))
        actor = f"{int(subject[1:]):02d}"
        name = f"01-{RAVDESS_CODE[emotion]}-01-01-{take}-{actor}"
        number = int(subject[1:])
        sentence = f"enterface05/subject {number}/{emotion}/sentence {int(take)}"
        (folder / sentence).mkdir(parents=True)
        (folder / sentence / f"s{number}_{emotion[:2]}_{int(take)}.avi").symlink_to(media)
        clip = f"S{number:03}_{len(rows):03}"
        (folder / f"baum1s/s{number:03}").mkdir(parents=True, exist_ok=True)
        (folder / f"baum1s/s{number:03}/{clip}.mp4").symlink_to(media)
        annotated.append((clip, emotion.capitalize()))
        target = folder / f"ravdess/Actor_{actor}"
        target.mkdir(parents=True, exist_ok=True)
        (target / f"01-{name}.mp4").symlink_to(media)  # PyAV reads the content, not the name
        with av.open(str(media)) as container:
            blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
        sound = np.concatenate(blocks, axis=1).ravel().astype(np.float64)
        soundfile.write(target / f"03-{name}.wav", sound / max(1, np.abs(sound).max()), 48000)
    with (folder / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "group"), *rows])
    two = [(m, "positive" if e in ("happiness", "surprise") else "negative", g) for m, e, g in rows]
    with (folder / "two.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "group"), *two])
    with (folder / "baum1s/annotations.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("Clip Name", "Emotion"), *annotated])
    return folder


def small_encoder(option: str, encoder: dict[str, Any], experiment: str) -> list[str]:
    """Return overrides that make an encoder small and random."""
    changes = []
    if encoder["class_path"] == "SpeechEncoder":
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
        sizes |= {"intermediate_size": 16, "num_conv_pos_embedding_groups": 2}
        changes = ["weights=none", f"config={json.dumps(sizes)}"]
    elif encoder["class_path"] == "FrameSequenceEncoder":
        inner = encoder["init_args"]["encoder"]
        return small_encoder(f"{option}.encoder", inner, experiment)
    elif encoder["init_args"].get("backbone", "").startswith("resnet"):
        changes = ["weights=none", "resize=48"]
        if experiment != "ravdess":  # one with the paper's ResNet-50; it is slow on a CPU
            changes.append("backbone=shufflenet_v2_x0_5")
    return [f"{option}.{change}" for change in changes]


def options_for(experiment: str, sets: Path, place: Place, start: Path) -> list[str]:
    """Return overrides that point an experiment to the generated clips and make it small."""
    tree = yaml.safe_load((CONFIGS / f"experiment/{experiment}.yaml").read_text())
    data = yaml.safe_load((CONFIGS / "experiment" / tree["data"]).read_text())
    model = yaml.safe_load((CONFIGS / "experiment" / tree["model"]).read_text())
    options = [*SMALL, f"--data.cache={place.cache}"]
    for name, stage in tree["training"]["stages"].items():
        options += [f"--training.stages.{name}.epochs=1"]
        options += [f"--training.stages.{name}.steps=null"] if "steps" in stage else []
    for name, encoder in model["init_args"]["encoders"].items():
        options += small_encoder(f"--model.encoders.{name}", encoder, experiment)
    if experiment == "finetune":
        options += [f"--training.start={start}"]
    if experiment == "speech":
        options += [f"--data.augment={CONFIGS}/augment/rooms.yaml"]
    if data["class_path"] in ("RAVDESS", "ENTERFACE05", "BAUM1s"):
        options += [f"--data.root={sets / data['class_path'].lower()}"]
    elif data["class_path"] == "Manifest":
        name = "two.csv" if "classes" in data["init_args"] else "clips.csv"
        options += [f"--data.manifest={sets / name}"]
    else:
        options += [f"--data.root={place.media}", "--data.subjects=3", "--data.takes=1"]
        options += ["--data.seconds=[1.0, 1.2]"]
    return options


@pytest.mark.filterwarnings(
    "ignore:.*keep their initial weights"
)  # finetune: a head for other classes
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_experiment_runs_a_batch_of_each_stage(
    experiment: str, sets: Path, place: Place, tmp_path: Path, smoke_run: Path
) -> None:
    config = str(CONFIGS / f"experiment/{experiment}.yaml")
    run = tmp_path / "run"
    start = smoke_run / "checkpoints/best.ckpt"
    options = options_for(experiment, sets, place, start)
    main(["fit", "--config", config, "--run", str(run), *options])
    metrics = json.loads((run / "metrics.json").read_text())
    by_speaker = metrics["data"] == "Manifest"  # of three, as the manifest has groups
    train, other = (6, 6) if by_speaker else (12, 3)
    assert metrics["clips"] == {"train": train, "val": other, "test": other}
    assert metrics["split"] == ("subject_independent" if by_speaker else "random_clip")
    assert metrics["test"]["fused"]["clips"] >= 1


def test_a_teacher_and_weighted_classes_run_a_batch(place: Place, tmp_path: Path) -> None:
    strong = {"class_path": "SpecAugment", "init_args": {"bands": 24}}
    teacher = {"class_path": "Teacher", "init_args": {"decay": 0.9, "strong": strong}}
    config = str(CONFIGS / "experiment/losses.yaml")
    data = [f"--data.root={place.media}", f"--data.cache={place.cache}", "--data.subjects=3"]
    data += ["--data.takes=1", "--data.seconds=[1.0, 1.2]", "--data.labelled_share=0.5"]
    main(
        [
            *["fit", "--config", config, "--run", str(tmp_path / "run"), *SMALL, *data],
            "--training.stages.joint.epochs=1",
            "--training.stages.joint.objectives=[weighted, teacher, hgr]",
            "--training.stages.joint.warmup={}",
            f"--trainer.callbacks+={json.dumps(teacher)}",
        ]
    )
    logged = (tmp_path / "run/logs/version_0/metrics.csv").read_text().splitlines()[0]
    assert "train/loss/teacher_epoch" in logged.split(",")
    assert "train/loss/weighted_epoch" in logged.split(",")


# A fusion, or an augmentation, in the place of the smoke experiment's.
PARTS = sorted(
    [
        *(f"--model.fusion={path}" for path in (CONFIGS / "fusion").glob("*.yaml")),
        *(f"--data.augment={path}" for path in (CONFIGS / "augment").glob("[!r]*.yaml")),
    ]
)


@pytest.mark.parametrize("part", PARTS, ids=lambda p: Path(p).stem)
def test_a_fusion_or_augmentation_runs_a_batch(part: str, place: Place, tmp_path: Path) -> None:
    stage = {"epochs": 1, "train": ["fusion", "head"], "objectives": ["category"], "warmup": {}}
    main(
        [
            "fit",
            f"--config={CONFIGS}/experiment/smoke.yaml",
            f"--run={tmp_path / 'run'}",
            *SMALL,
            *place.options(),
            "--data.windows.count=6",
            part,
            f"--training.stages={json.dumps({'joint': stage})}",
        ]
    )
    assert (tmp_path / "run/metrics.json").is_file()


SHOWN = {"method": "whole"}  # the networks are asked here, not the detector
CLIP = {"class_path": "FaceClip", "init_args": {"frames": 16, "size": 32, "faces": SHOWN}}
C3DA = {"face": {"class_path": "C3DA", "init_args": {"width": 1 / 32}}}
S3DAE = {"face": {"class_path": "S3DAE", "init_args": {"frames": 16, "size": 32, "width": 1 / 8}}}
REBUILD = {
    "class_path": "ClipReconstruction",
    "init_args": {"feature": "face", "frames": 16, "size": 32, "width": 1 / 8},
}


@pytest.mark.parametrize(
    ("network", "options", "scores"),
    [
        ("c3da", {"encoders": C3DA}, {"fused", "face-first", "face-second"}),
        ("s3dae", {"encoders": S3DAE, "objectives.rebuild": REBUILD}, {"fused"}),
    ],
)
def test_a_network_on_clips_of_faces_runs_a_batch(
    network: str, options: dict[str, Any], scores: set[str], place: Place, tmp_path: Path
) -> None:
    stage: dict[str, Any] = {"epochs": 1, "train": None, "objectives": None, "warmup": {}}
    main(
        [
            *["fit", f"--config={CONFIGS}/experiment/smoke.yaml", f"--run={tmp_path / 'run'}"],
            *[f"--model={CONFIGS}/model/emotiw_{network}.yaml", *SMALL, *place.options()],
            *[f"--model.{name}={json.dumps(part)}" for name, part in options.items()],
            f"--data.extractors={json.dumps({'face': CLIP})}",
            f"--training.stages={json.dumps({'joint': stage})}",
        ]
    )
    assert set(json.loads((tmp_path / "run/metrics.json").read_text())["test"]) == scores


@pytest.mark.parametrize("trainer", TRAINERS)
def test_trainer_config_runs_a_batch(trainer: str, place: Place, tmp_path: Path) -> None:
    options = [*SMALL, *place.options(), "--data.windows.count=6"]
    config = [
        f"--config={CONFIGS}/experiment/smoke.yaml",
        f"--trainer={CONFIGS}/trainer/{trainer}.yaml",
    ]
    main(["fit", *config, f"--run={tmp_path / 'run'}", *options])
    assert (tmp_path / "run/metrics.json").is_file()


@pytest.mark.parametrize("sweep", sorted((CONFIGS / "sweep").glob("*.yaml")), ids=lambda p: p.stem)
def test_a_sweeps_command_takes_each_of_its_parameters(
    sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = yaml.safe_load(sweep.read_text())
    program, *command = tree["command"]
    assert (program, command[-1]) == ("emorec", "${args}")
    for last in (0, -1):
        chosen = {name: each["values"][last] for name, each in tree["parameters"].items()}
        arguments = [f"--{name}={value}" for name, value in chosen.items()]
        with pytest.raises(SystemExit) as done:
            main([*command[:-1], *arguments, "--print_config"])
        assert done.value.code in (0, None)
        config = yaml.safe_load(capsys.readouterr().out)
        assert (
            config["model"]["init_args"]["objectives"]["hgr"]["init_args"]["weight"]
            == (chosen["model.objectives.hgr.weight"])
        )
        assert (
            config["model"]["init_args"]["fusion"]["init_args"]["layers"]
            == (chosen["model.fusion.layers"])
        )
    experiment = yaml.safe_load(Path(command[1].removeprefix("--config=")).read_text())
    stages = experiment["training"]["stages"].values()
    assert tree["metric"]["name"] in {stage["monitor"] for stage in stages}


def test_each_run_of_a_sweep_has_a_directory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ["configs/experiment/ravdess.yaml"]
    assert default_run(config) == Path("runs/ravdess")
    monkeypatch.setenv("WANDB_SWEEP_ID", "s1")
    monkeypatch.setenv("WANDB_RUN_ID", "r7")
    assert default_run(config) == Path("runs/ravdess/r7")


@pytest.mark.parametrize("data", sorted((CONFIGS / "data").glob("*.yaml")), ids=lambda p: p.stem)
def test_data_config_goes_with_any_experiment(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = yaml.safe_load(data.read_text())
    experiment = "ravdess_audio" if "audio" in data.stem else "manifest"
    config = [f"--config={CONFIGS}/experiment/{experiment}.yaml", f"--data={data}"]
    with pytest.raises(SystemExit) as done:
        main(["fit", *config, "--print_config"])
    assert done.value.code in (0, None)
    found = yaml.safe_load(capsys.readouterr().out)["data"]
    assert found["class_path"] == f"emorec.data.{tree['class_path']}"
    given = {k: v for k, v in tree["init_args"].items() if not isinstance(v, dict)}
    every = {**found["init_args"], **{k: v for k, v in found.items() if k != "init_args"}}
    assert {key: every[key] for key in given} == given


def test_every_model_is_used_by_an_experiment_or_a_study() -> None:
    trees = [yaml.safe_load(path.read_text()) for path in (CONFIGS / "experiment").glob("*.yaml")]
    used = {Path(tree["model"]).name for tree in trees}
    for path in (CONFIGS / "study").glob("*.yaml"):
        study = read_study(path)
        parts = [g.options for g in study.grids.values()]
        parts += [
            o for g in study.grids.values() for axis in g.axes.values() for o in axis.values()
        ]
        used |= {Path(each["model"]).name for each in parts if "model" in each}
        used.add(study.files["model"].name)
    assert {p.name for p in (CONFIGS / "model").glob("*.yaml")} == used
