"""The configs of end-to-end regression and of distribution matching, on generated media."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers

from emorec.cli import main
from tests.conftest import ROOT, Place
from tests.helpers import corpora

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oh", "yes", "."]
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY |= {"intermediate_size": 16, "vocab_size": len(WORDS)}


def fit(experiment: str, run: Path, cache: Path, *options: str) -> dict[str, Any]:
    config = f"--config={ROOT}/configs/experiment/{experiment}.yaml"
    small = ["--trainer.enable_progress_bar=false", f"--data.cache={cache}", "--data.workers=0"]
    main(["fit", config, f"--run={run}", *small, *options])
    metrics: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return metrics


def test_generated_recordings_in_seconds(tmp_path: Path) -> None:
    media = f"--data.root={tmp_path / 'media'}"
    metrics = fit("recordings_smoke", tmp_path / "run", tmp_path / "cache", media)
    assert metrics["clips"] == {"train": 4, "val": 1, "test": 1}
    assert set(metrics["test"]) == {"audio", "face", "fused"}
    for kind in metrics["test"].values():
        assert set(kind["dimensions"]) == {"arousal", "valence"}
        assert kind["dimensions"]["arousal"]["steps"] == 150
    fused = metrics["test"]["fused"]
    assert -1 <= fused["before_processing"] <= 1
    assert set(fused["chain"]) == {"arousal", "valence"}
    assert "NaN" not in (tmp_path / "run/metrics.json").read_text()
    summary = (tmp_path / "run/summary.txt").read_text()
    assert "CCC" in summary
    assert "before post-processing" in summary
    for picture in ("traces.png", "traces_audio.png", "training_curves.png"):
        assert (tmp_path / "run" / picture).is_file()


def test_recordings_of_ones_own_by_a_manifest_with_relative_paths(tmp_path: Path) -> None:
    recola = corpora.recola(tmp_path / "mine")
    rows = []
    for number, video in enumerate(sorted((recola / "recordings_video").glob("*.mp4"))):
        times = [f"{0.04 * i:.2f},{i % 7 / 7},{i % 5 / 5}" for i in range(150)]
        (recola / f"{number}.csv").write_text("\n".join(["time,arousal,valence", *times]))
        part = ["val", "test", "train", "train"][number]
        rows.append(f"recordings_video/{video.name},{number}.csv,{part}")
    (recola / "recordings.csv").write_text("\n".join(["path,trace,split", *rows]))
    own = [f"--data.manifest={recola / 'recordings.csv'}", "--data.split=official"]
    encoder = "--model.encoders.face.encoder"
    published = [
        "--trainer.accelerator=cpu",
        f"{encoder}.weights=none",
        f"{encoder}.backbone=shufflenet_v2_x0_5",
        *(f"--training.stages.{name}.epochs=1" for name in ("audio", "face", "joint")),
        "--trainer.limit_train_batches=1",
    ]
    # On top of another experiment's data, too: its folder and options do not stay.
    small = [f"--data={ROOT}/configs/data/manifest_traces.yaml"]
    for experiment, options in (("manifest_traces", published), ("recordings_smoke", small)):
        run = tmp_path / experiment
        metrics = fit(experiment, run, tmp_path / "cache", *options, *own)
        assert metrics["clips"] == {"train": 2, "val": 1, "test": 1}
        assert metrics["test"]["fused"]["dimensions"]["valence"]["steps"] == 150


def test_recola_with_test_recordings_that_have_no_gold_standard(tmp_path: Path) -> None:
    root = corpora.recola(tmp_path / "recola")
    encoder = "--model.encoders.face.encoder"
    metrics = fit(
        "recola",
        tmp_path / "run",
        tmp_path / "cache",
        f"--data.root={root}",
        "--trainer.accelerator=cpu",
        "--trainer.devices=1",
        "--trainer.precision=32",
        f"{encoder}.weights=none",
        f"{encoder}.backbone=shufflenet_v2_x0_5",
        *(f"--training.stages.{name}.epochs=1" for name in ("audio", "face", "joint")),
        '--data.extractors.face={"class_path": "FaceSequence", '
        '"init_args": {"frames": 150, "size": 32, "faces": {"min_face": 80}}}',
        '--data.augment={"class_path": "CropAndColour", "init_args": {"enlarged": 36}}',
    )
    assert metrics["clips"] == {"train": 2, "val": 1, "test": 1}
    assert metrics["test"]["fused"]["ccc"] is None
    with (tmp_path / "run/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 150
    assert rows[0]["gold_arousal"] == ""
    assert float(rows[-1]["time"]) == pytest.approx(5.96)


def test_utterances_in_seconds(place: Place, tmp_path: Path) -> None:
    options = [f"--data.root={place.media}", "--data.unlabelled_share=0.5"]
    metrics = fit("utterances_smoke", tmp_path / "run", place.cache, *options)
    labelled = metrics["labelled_training_clips"]
    assert 5 <= labelled <= 8
    # Of those without a label half take part.
    train = labelled + round(0.5 * (12 - labelled))
    assert metrics["clips"] == {"train": train, "val": 3, "test": 3}
    logged = (tmp_path / "run/logs/version_0/metrics.csv").read_text().splitlines()[0].split(",")
    for name in ("loss/mmd", "loss/rebuild_audio", "mmd/audio+face/unpaired_unlabelled"):
        assert f"train/{name}_epoch" in logged


@pytest.mark.parametrize("corpus", ["iemocap", "meld"])
def test_corpora_of_utterances_run_a_batch(
    corpus: str, place: Place, smoke_run: Path, tmp_path: Path
) -> None:
    media = sorted(place.media.rglob("*.*"))
    root = getattr(corpora, corpus)(tmp_path / corpus, media[4:])
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    transformers.BertTokenizer(vocab=vocabulary).save_pretrained(tmp_path / "tokenizer")
    (tmp_path / "meetings.csv").write_text(
        "\n".join(["path,text", *(f"{file},oh yes" for file in media[:4])])
    )
    metrics = fit(
        f"{corpus}_distribution",
        tmp_path / "run",
        tmp_path / "cache",
        f"--data.root={root}",
        f"--data.unlabelled={tmp_path / 'meetings.csv'}",
        "--data.sampling=half_labelled",
        "--data.batch_size=4",
        "--trainer.accelerator=cpu",
        "--trainer.devices=1",
        "--trainer.precision=32",
        "--trainer.limit_train_batches=1",
        f"--data.extractors.text.tokenizer={tmp_path / 'tokenizer'}",
        "--model.encoders.text.weights=none",
        f"--model.encoders.text.config={json.dumps(TINY)}",
        "--model.encoders.text.learning_layers=1",
        *(f"--training.stages.{name}.epochs=1" for name in ("labelled", "all")),
    )
    assert metrics["clips"]["train"] == metrics["labelled_training_clips"] + 4
    assert metrics["test"]["fused"]["clips"] >= 1


TRANSFORMERS = [  # around the convolutions of faces, as docs/systems/distribution_matching.md says
    *("--model.encoders.face", "TransformerSequenceEncoder"),
    *("--model.encoders.face.inputs", "342", "--model.encoders.face.heads", "3"),
    *("--model.encoders.face.encoder", "ConvSequenceEncoder"),
    *("--model.encoders.face.encoder.activate", "false"),
    *("--model.objectives.rebuild_face", "TransformerReconstruction"),
    *("--model.objectives.rebuild_face.heads", "3"),
    *("--model.objectives.rebuild_face.activate", "false"),
]


# Words of 32 numbers: with 1024 a checkpoint has 0.7 GB (tests/objectives looks at the sizes).
SMALL_TEXT = [
    "--data.extractors.text.shape=[22, 32]",
    *("--model.encoders.text.inputs=32", "--model.encoders.text.encoder.inputs=32"),
    "--model.objectives.rebuild_text.outputs=32",
]


@pytest.mark.parametrize("more", [[], TRANSFORMERS], ids=["as it is", "transformers for faces"])
def test_stored_features_with_an_auto_encoder_for_each_modality(
    more: list[str], place: Place, smoke_run: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    columns = [f"sidecar_{name}_features" for name in ("audio", "face", "text")]
    rows = [",".join(["path", "label", *columns])]
    for number, media in enumerate(sorted(place.media.rglob("*.*"))):
        arrays = random.normal(size=1582), random.normal(size=(18, 342))
        words = random.normal(size=(3 + number, 32))  # as many as were said
        cells = []
        for name, array in zip(("audio", "face", "text"), (*arrays, words), strict=True):
            np.save(tmp_path / f"{number}_{name}.npy", array)
            cells.append(f"{number}_{name}.npy")
        label = "" if number % 3 == 0 else media.stem.split("-")[1]
        rows.append(",".join([str(media), label, *cells]))
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    metrics = fit(
        "features_distribution",
        tmp_path / "run",
        tmp_path / "cache",
        f"--data.manifest={tmp_path / 'clips.csv'}",
        "--data.batch_size=8",
        "--trainer.accelerator=cpu",
        "--trainer.devices=1",
        "--trainer.precision=32",
        *(f"--training.stages.{name}.epochs=1" for name in ("labelled", "all")),
        *SMALL_TEXT,
        *more,
    )
    assert metrics["clips"]["train"] > metrics["labelled_training_clips"] > 0
    config = (tmp_path / "run/config.yaml").read_text()
    assert config.count("TransformerReconstruction") == (2 if more else 1)
    logged = (tmp_path / "run/logs/version_0/metrics.csv").read_text().splitlines()[0].split(",")
    for name in ("loss/rebuild_text", "mmd/audio+text/mmd_unlabelled", "mmd/face+text/unpaired"):
        assert any(column.startswith(f"train/{name}") for column in logged), name


def test_mmd_stands_in_for_soft_hgr_by_one_line(place: Place, tmp_path: Path) -> None:
    metrics = fit(
        "smoke",
        tmp_path / "run",
        place.cache,
        f"--data.root={place.media}",
        "--model.objectives.hgr=MMD",
        "--trainer.limit_train_batches=1",
    )
    assert metrics["finished"]
    logged = (tmp_path / "run/logs/version_0/metrics.csv").read_text().splitlines()[0].split(",")
    assert "train/hgr/audio+face/mmd_epoch" in logged
    assert "train/hgr/audio+label/mmd_epoch" in logged
