"""The leak check fails where parts share what they must not, and the data module runs it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emorec.cache import Entry
from emorec.data.splits.leaks import LeakError, check_leaks, copies, shares_speakers
from emorec.data.splits.parts import Part
from emorec.types import Clip
from tests.helpers.toy import ToyData

CLIPS = [Clip(name, Path(f"{name}.mp4"), group=f"s{i}") for i, name in enumerate("abc")]
PARTS: dict[str, Part] = {"a": "train", "b": "val", "c": "test"}
ENTRIES = {c.id: Entry(c.id, c.file.as_posix(), "ok", digest=f"digest of {c.id}") for c in CLIPS}


def test_a_clean_split_passes() -> None:
    check_leaks(CLIPS, PARTS, ENTRIES, "leave_speakers_out")
    assert shares_speakers(CLIPS, PARTS) is False


@pytest.mark.parametrize(("one", "other"), [("a", "c"), ("b", "c"), ("a", "b")])
def test_the_same_content_in_two_parts_is_named(one: str, other: str) -> None:
    entries = {**ENTRIES, other: replace(ENTRIES[other], digest=ENTRIES[one].digest)}
    with pytest.raises(
        LeakError, match=f"same content.*{one}.*{other}|same content.*{other}.*{one}"
    ):
        check_leaks(CLIPS, PARTS, entries, "random_clip")
    same_part: dict[str, Part] = {**PARTS, one: "train", other: "train"}
    check_leaks(CLIPS, same_part, entries, "random_clip")


def test_parts_of_one_file_are_not_the_same_content() -> None:
    entries = {
        **ENTRIES,
        "a": replace(ENTRIES["a"], digest="x", span=[0.0, 1.0]),
        "c": replace(ENTRIES["c"], digest="x", span=[1.0, 2.0]),
    }
    clips = [replace(clip, media=Path("x.avi"), span=(i, i + 1.0)) for i, clip in enumerate(CLIPS)]
    check_leaks(clips, PARTS, entries, "random_clip")


SPANS = [(0.0, 10.0), (20.0, 30.0), (5.0, 15.0)]  # the first is trained on, the last is tested


def overlapping(**changes: Any) -> list[Clip]:
    return [
        replace(clip, **{"media": Path("x.avi"), "span": span, "labels": {"emotion": 1}, **changes})
        for clip, span in zip(CLIPS, SPANS, strict=True)
    ]


def test_parts_of_one_file_that_overlap_are_a_leak() -> None:
    entries: dict[str, Entry] = {}
    with pytest.raises(LeakError, match=r"same file .* 1 time.*'a' \(train\), 'c' \(test\)"):
        check_leaks(overlapping(group="anna"), PARTS, entries, "random_clip")
    with pytest.raises(LeakError, match="same file"):  # who it is, nobody knows
        check_leaks(overlapping(group=""), PARTS, entries, "random_clip")
    with pytest.raises(LeakError, match="same file"):  # an unlabelled corpus has other names
        check_leaks(overlapping(labels={}), PARTS, entries, "random_clip")
    clips = overlapping()
    with pytest.raises(LeakError, match="same file"):  # the whole file
        check_leaks([replace(clips[0], span=None), *clips[1:]], PARTS, entries, "random_clip")
    renamed = [replace(clip, media=Path(f"{clip.id}.avi")) for clip in overlapping(group="anna")]
    entries = {c.id: replace(ENTRIES[c.id], digest="x") for c in renamed}
    with pytest.raises(LeakError, match="same content"):
        check_leaks(renamed, PARTS, entries, "random_clip")


def test_two_speakers_at_once_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="1 pairs of clips of different speakers overlap.*'a' and"):
        check_leaks(overlapping(), PARTS, {}, "random_clip")


def test_the_same_file_in_two_parts_is_named() -> None:
    clips = [*CLIPS[:2], replace(CLIPS[2], media=CLIPS[0].media)]
    with pytest.raises(LeakError, match=r"same file.*--data\.exclude"):
        check_leaks(clips, PARTS, ENTRIES, "random_clip")


def test_a_shared_speaker_is_a_leak_where_the_split_promises_none() -> None:
    clips = [*CLIPS[:2], replace(CLIPS[2], group="s0")]
    for split in ("subject_independent", "leave_speakers_out", "held_out_text"):
        with pytest.raises(LeakError, match="same speaker"):
            check_leaks(clips, PARTS, ENTRIES, split)
    check_leaks(clips, PARTS, ENTRIES, "random_clip")
    assert shares_speakers(clips, PARTS) is True


def test_without_speakers_nobody_knows() -> None:
    assert shares_speakers([replace(clip, group="") for clip in CLIPS], PARTS) is None


def test_a_resumed_split_that_shares_speakers_is_refused(tmp_path: Path) -> None:
    data = ToyData(tmp_path, split="subject_independent")
    data.prepare_data()
    data.setup()
    parts = dict(data.part_of_clip)
    again = ToyData(tmp_path, split="subject_independent")
    again.prepare_data()
    moved = next(name for name, part in parts.items() if part == "train")
    split: dict[str, Part] = {**parts, moved: "test"}
    again.for_run(resumed_split=split, select_on_test=False)
    with pytest.raises(LeakError, match="same speaker is in several parts of split subject_indep"):
        again.setup()


def test_a_copy_with_the_same_label_counts_once(tmp_path: Path) -> None:
    clips = [replace(clip, labels={"emotion": 1}) for clip in CLIPS]
    entries = {**ENTRIES, "c": replace(ENTRIES["c"], digest=ENTRIES["a"].digest)}
    assert copies(clips, entries) == {"c": "a"}
    other = [*clips[:2], replace(clips[2], labels={"emotion": 2})]
    assert copies(other, entries) == {}  # which label is right, nobody knows: the check fails
    with pytest.raises(LeakError, match="same content"):
        check_leaks(other, PARTS, entries, "random_clip")


def test_what_else_belongs_to_a_clip_tells_copies_apart() -> None:
    """Two people of one recording, or two annotators, are no copies."""
    clips = [
        replace(clip, labels={"affect": ()}, sidecars={"affect": Path(f"{clip.id}.csv")})
        for clip in CLIPS
    ]
    entries = {name: replace(entry, digest="x") for name, entry in ENTRIES.items()}
    assert copies(clips, entries) == {}
    same = [replace(clip, sidecars={"affect": Path("a.csv")}) for clip in clips]
    assert copies(same, entries) == {"b": "a", "c": "a"}
    heard = {name: replace(e, sidecars={"audio": name}) for name, e in entries.items()}
    assert copies(same, heard) == {}


def test_the_data_module_leaves_copies_out(tmp_path: Path) -> None:
    data = ToyData(tmp_path)
    data.prepare_data()
    cache = data.source().cache()
    one, other = (entry for entry in map(cache.read, ("clip03", "clip06")) if entry is not None)
    arrays = {name: cache.array("clip06", name) for name in data.extractors}
    cache.write(replace(other, digest="same"), arrays)
    arrays = {name: cache.array("clip03", name) for name in data.extractors}
    cache.write(replace(one, digest="same"), arrays)
    again = ToyData(tmp_path)
    with pytest.warns(UserWarning, match="1 clips are copies of others.*'clip06' of 'clip03'"):
        again.setup()
    assert "clip06" not in again.part_of_clip
    assert "clip03" in again.part_of_clip


def test_statistics_are_those_of_training_clips_alone(tmp_path: Path) -> None:
    data = ToyData(tmp_path)
    data.prepare_data()
    data.setup()
    before = data.statistics()
    held_out: tuple[Part, ...] = ("val", "test")
    for part in held_out:
        for clip in data.clips_of(part):
            for name in data.extractors:
                file = data.source().cache().entry_folder(clip.id) / f"{name}.npy"
                file.unlink()  # what is not read is not missed
    again = ToyData(tmp_path)
    again.setup()
    for name, (mean, deviation) in again.statistics().items():
        assert (mean == before[name][0]).all()
        assert (deviation == before[name][1]).all()
