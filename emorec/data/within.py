"""Normalisation within the speaker: each speaker's inputs get the corpus' mean and deviation."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from lightning.pytorch.utilities import rank_zero_warn

from emorec.data.segments import SegmentDataset
from emorec.data.splits.parts import FOLDED, Split
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.extractors.statistics import LEAST, NOTE, Moments, Part, SpeakerStatistics, changed
from emorec.types import Array, Clip

Within = Literal["corpus", "speaker"]


def check_within(within: Within, clips: Sequence[Clip]) -> None:
    """Check that speakers are known where inputs are normalised by them.

    Raises:
        DataError: A clip has no speaker.
    """
    unknown = [clip.id for clip in clips if not clip.group]
    if within == "speaker" and unknown:
        raise DataError(
            f"data.within is speaker, but {len(unknown)} of {len(clips)} clips have no speaker, "
            f"such as {unknown[0]}: fill the manifest's column group, or use data.within: corpus"
        )


def protocol_words(
    split: Split, seed: int, fold: int | None, folds: int | str | None, within: str
) -> str:
    """Return a split in words; what inputs are normalised within is a part of the protocol."""
    folded = f", fold {fold} of {folds}" if split in FOLDED else ""
    inputs = f"; inputs {NOTE}" if within == "speaker" else ""
    return f"{split}{folded}, seed {seed}{inputs}"


class SpeakerShift:
    """Shifts and scales the arrays of clips, by their speaker.

    It is fitted on all clips of a speaker, without their labels. The result stays in the units of
    the corpus, so a clip of an unknown speaker can be used as it is. Modalities with fixed
    statistics, such as pictures, are left alone.

    Args:
        parts: Training, validation and test clips, as cached; they are changed from now on.
        clips: All clips of the data module.
        extractors: Modality -> extractor.
        corpus: Modality -> mean and deviation of the training clips.

    Attributes:
        corpus: As given.
    """

    def __init__(
        self,
        parts: Collection[SegmentDataset],
        clips: Sequence[Clip],
        extractors: Mapping[str, Extractor],
        corpus: Mapping[str, Moments],
    ) -> None:
        self.corpus = corpus
        measured = [name for name, each in extractors.items() if each.constants() is None]
        self.speakers = {i: clips[p].group for part in parts for p, i in part.ids.items()}
        axes = {name: extractors[name].pooled_axes for name in measured}
        self.changes: dict[str, dict[str, Moments]] = {}
        own: dict[str, list[tuple[SegmentDataset, int]]] = {}
        for part in parts:
            for position, clip_id in part.ids.items():
                own.setdefault(self.speakers[clip_id], []).append((part, position))
        few = []
        for speaker in sorted(own):
            found = SpeakerStatistics.measured(
                (_arrays(*each, measured) for each in own[speaker]), axes
            )
            if any(count < LEAST for count in found.clips.values()):
                few.append(speaker)
            self.changes[speaker] = found.onto({name: corpus[name] for name in measured})
        if few:
            rank_zero_warn(
                f"{len(few)} speaker(s) with a single clip, such as {few[0]}: it is normalised "
                "as the corpus"
            )
        for part in parts:
            part.change = self

    def __call__(self, clip_id: str, modality: str, array: Array) -> Array:
        """Return a clip's array or a window of it, float32 if it is changed."""
        change = self.changes[self.speakers[clip_id]].get(modality)
        return array if change is None else changed(array, change)


def _arrays(part: SegmentDataset, position: int, modalities: Sequence[str]) -> dict[str, Part]:
    """Return modality -> a clip's array and which of its windows are present."""
    clip_id, present = part.ids[position], part.present[position]
    return {name: (part.array(clip_id, name), present[name]) for name in modalities}
