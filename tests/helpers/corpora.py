"""Generated media laid out as RECOLA, IEMOCAP and MELD are, for tests of their configs."""

import csv
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from emorec.synthetic import affect, plan_recordings, write_recording

ARFF = """@relation GOLDSTANDARD
@attribute Instance_name string
@attribute frameTime numeric
@attribute GoldStandard numeric

@data
"""


def write_sound_of(media: Path, target: Path) -> None:
    """Write a media file's sound as a wav file of 48 kHz."""
    with av.open(str(media)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    sound = np.concatenate(blocks, axis=1).ravel().astype(np.float64)
    target.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(target, sound / max(1, np.abs(sound).max()), 48000)


def recola(root: Path, seconds: float = 6.0) -> Path:
    """Write two recordings for training, one for development, and one for testing without gold."""
    names = ("train_1", "train_2", "dev_1", "test_1")
    for plan, name in zip(plan_recordings(subjects=4, seconds=seconds), names, strict=True):
        video = root / f"recordings_video/{name}.mp4"
        video.parent.mkdir(parents=True, exist_ok=True)
        write_recording(plan, video)
        write_sound_of(video, root / f"recordings_audio/{name}.wav")
        gold = affect(plan)
        for dimension in ("arousal", "valence") if not name.startswith("test") else ():
            file = root / f"ratings_gold_standard/{dimension}/{name}.arff"
            file.parent.mkdir(parents=True, exist_ok=True)
            values = getattr(gold, dimension)
            rows = [f"'P1',{0.04 * i:.2f},{value:.6f}" for i, value in enumerate(values)]
            file.write_text(ARFF + "\n".join(rows) + "\n")
    return root


def iemocap(root: Path, media: list[Path]) -> Path:
    """Write a dialogue of one turn for each file, four emotions in turn over five sessions."""
    for number, file in enumerate(media):
        session, code = number % 5 + 1, ("ang", "hap", "neu", "sad")[number // 5 % 4]
        name = f"Ses0{session}F_impro{number:02}"
        folder = root / f"Session{session}/dialog"
        for part in ("EmoEvaluation", "transcriptions", "avi/DivX"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / f"avi/DivX/{name}.avi").symlink_to(file)
        turn = f"{name}_F000"
        line = f"[0.0000 - 1.0000]\t{turn}\t{code}\t[2.5, 2.5, 2.5]\n"
        (folder / f"EmoEvaluation/{name}.txt").write_text(line)
        words = f"{turn} [000.0000-001.0000]: oh yes.\n"
        (folder / f"transcriptions/{name}.txt").write_text(words)
    return root


def meld(root: Path, media: list[Path]) -> Path:
    """Write utterances of two emotions: the first files for testing, then dev, then training."""
    parts = {"test": media[:3], "dev": media[3:6], "train": media[6:]}
    for part, files in parts.items():
        folder = root / FOLDERS[part]
        folder.mkdir(parents=True, exist_ok=True)
        spoken = []
        for number, file in enumerate(files):
            emotion = "joy" if number % 2 else "sadness"
            spoken.append(("oh yes", f"Who{number % 2}", emotion, f"dia{number}_utt0"))
            (folder / f"dia{number}_utt0.mp4").symlink_to(file)
        write_table(root / f"MELD.Raw/{part}_sent_emo.csv", spoken)
    return root


HEAD = ["Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"]


HEAD += ["Season", "Episode", "StartTime", "EndTime"]


FOLDERS = {
    "train": "MELD.Raw/train/train_splits",
    "dev": "MELD.Raw/dev/dev_splits_complete",
    "test": "MELD.Raw/test/output_repeated_splits_test",
}


def write_table(path: Path, spoken: list[tuple[str, str, str, str]], **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", **{"encoding": "utf-8", **options}) as file:
        rows = csv.writer(file)
        rows.writerow(HEAD)
        for number, (text, speaker, emotion, name) in enumerate(spoken, start=1):
            dialogue, utterance = name.removeprefix("dia").split("_utt")
            times = ("00:20:57,256", "00:21:00,049")
            rows.writerow(
                [number, text, speaker, emotion, "neutral", dialogue, utterance, 4, 7, *times]
            )


SYSTEMS = {
    "recola",
    "recordings_smoke",
    "manifest_traces",
    "utterances_smoke",
    "iemocap_distribution",
    "meld_distribution",
    "features_distribution",
}
