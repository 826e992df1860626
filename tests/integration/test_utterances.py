"""A model of whole utterances: openSMILE, stored features and a transcript, through the command."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import transformers
import yaml

from emorec.cli import main
from tests.helpers.media_files import tone, write_sound

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oh", "no", "yes"]
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY |= {"intermediate_size": 16, "vocab_size": len(WORDS)}


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A manifest of twelve sounds with stored sequences (but one) and words."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(12):
        joy = number % 2
        sound = tone(16000, 0.5 + 0.1 * number, 200.0 + 200 * joy)
        write_sound(tmp_path / f"{number}.wav", sound[None], 16000)
        np.save(tmp_path / f"{number}.npy", random.normal(joy, 1, (3 + number, 20)))
        (tmp_path / f"{number}.txt").write_text("oh yes" if joy else "oh no")
        row = {"path": f"{number}.wav", "label": ["anger", "joy"][joy]}
        row |= {"split": ["train", "train", "val", "test"][number // 3]}
        row |= {
            "sidecar_visual": f"{number}.npy" if number else "",
            "sidecar_text": f"{number}.txt",
        }
        rows.append(row)
    with (tmp_path / "clips.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_whole_utterances_are_trained_and_tested(clips: Path) -> None:
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    transformers.BertTokenizer(vocab=vocabulary).save_pretrained(clips / "tokenizer")
    text = {"tokenizer": str(clips / "tokenizer"), "tokens": 6}
    vector = {"inputs": 1582, "widths": [16, 8], "dim": 8, "dropout": 0.0, "activate": True}
    config = {
        "trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False},
        "model": {
            "class_path": "ClassificationTask",
            "init_args": {
                "encoders": {
                    "audio": {"class_path": "VectorEncoder", "init_args": vector},
                    "visual": {
                        "class_path": "ConvSequenceEncoder",
                        "init_args": {"steps": 8, "inputs": 20, "dim": 8},
                    },
                    "words": {"class_path": "TextEncoder", "init_args": {"config": TINY, "dim": 8}},
                },
                "fusion": {"class_path": "ConcatFusion"},
                "objectives": {"category": {"class_path": "CrossEntropy"}},
            },
        },
        "data": {
            "class_path": "Manifest",
            "init_args": {
                "manifest": str(clips / "clips.csv"),
                "classes": ["anger", "joy"],
                "cache": str(clips / "cache"),
                "split": "official",
                "batch_size": 4,
                "workers": 0,
                "windows": {"class_path": "WholeClip"},
                "extractors": {
                    "audio": {"class_path": "OpenSmile", "init_args": {"feature_set": "IS10"}},
                    "visual": {
                        "class_path": "StoredFeatures",
                        "init_args": {"sidecar": "visual", "shape": [8, 20]},
                    },
                    "words": {"class_path": "Transcript", "init_args": text},
                },
            },
        },
        "training": {"stages": {"joint": {"epochs": 1, "objectives": ["category"]}}},
    }
    (clips / "config.yaml").write_text(yaml.safe_dump(config))
    sys.argv = ["emorec"]
    main(["fit", "--config", str(clips / "config.yaml"), "--run", str(clips / "run")])
    with (clips / "run/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert {row["segments"] for row in rows} == {"1"}
    best = str(clips / "run/checkpoints/best.ckpt")
    main(["test", "--run", str(clips / "run"), "--ckpt_path", best])
    # The last test clip's words are lost; the first clip has no stored features.
    (clips / "11.txt").unlink()
    main(["predict", best, str(clips / "clips.csv"), "--out", str(clips / "out"), "--no-pictures"])
    lines = [
        json.loads(line) for line in (clips / "out/predictions.jsonl").read_text().splitlines()
    ]
    found = {line["clip"]: line for line in lines}
    assert len(found) == 12
    assert found["0.wav"]["modalities"] == {"audio": 1, "visual": 0, "words": 1}
    assert "sidecar text" in found.pop("11.wav")["error"]
    for row in rows[:2]:
        assert found[row["clip"]]["modalities"] == {"audio": 1, "visual": 1, "words": 1}
        for name, probability in found[row["clip"]]["probabilities"].items():
            assert probability == pytest.approx(float(row[f"p_{name}"]), abs=1e-4)
