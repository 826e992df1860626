"""Utterances of a manifest's dialogues, from training to prediction, by the real commands."""

import csv
import json
from pathlib import Path

from emorec.cli import main
from emorec.predict import Predictor
from tests.conftest import ROOT, Place

CONFIGS = ROOT / "configs"


def test_dialogues_are_trained_on_whole_and_predictions_say_that_they_lack_them(
    place: Place, smoke_run: Path, tmp_path: Path
) -> None:
    rows = []
    for number, media in enumerate(sorted(place.media.rglob("*.*"))):
        speaker, emotion, _ = media.stem.split("-")
        rows.append((str(media), emotion, speaker, f"talk {number // 3}"))
    with (tmp_path / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "group", "dialogue"), *rows])
    face = {"class_path": "FaceHog", "init_args": {"frames": 18, "faces": {"min_face": 80}}}
    extractors = {"audio": {"class_path": "Functionals"}, "face": face}
    run = tmp_path / "run"
    main(
        [
            *["fit", f"--config={CONFIGS}/experiment/utterances_smoke.yaml", f"--run={run}"],
            f"--data={CONFIGS}/data/manifest.yaml",
            f"--data.manifest={tmp_path / 'clips.csv'}",
            f"--data.cache={place.cache}",
            f"--data.extractors={json.dumps(extractors)}",
            *["--data.windows=WholeClip", "--data.batch_size=6", "--data.context=dialogue"],
            *["--data.workers=0", "--trainer.enable_progress_bar=false"],
            f"--model.fusion={CONFIGS}/fusion/query_attention.yaml",
            *["--model.fusion.width=16", "--model.fusion.layers=1"],
        ]
    )
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["fused"]["clips"] == metrics["clips"]["test"] > 0
    predictor = Predictor.from_checkpoint(run / "checkpoints/best.ckpt", device="cpu")
    found = predictor.vote(Path(rows[0][0]))
    assert "taken by itself, not within its dialogue as in training" in found.warnings
