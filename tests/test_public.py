"""Each registered class is exported, named once, and passes the checks of emorec.testing."""

import inspect
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch

from emorec import augment, extractors, fusion, objectives, testing
from emorec.encoders import (
    C3DA,
    S3DAE,
    ConvSequenceEncoder,
    FrameSequenceEncoder,
    ImageEncoder,
    LandmarkImageEncoder,
    RawWaveformEncoder,
    SpeakerEncoder,
    SpectrogramEncoder,
    SpeechEncoder,
    TextEncoder,
    TransformerSequenceEncoder,
    VectorEncoder,
)
from emorec.extractors import Extraction, StoredFeatures
from emorec.plugins import KINDS, load_plugins, registered
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Sizes

load_plugins()
SIZES = Sizes({"audio": 6, "face": 6}, {"emotion": 3})
SET = Sizes({**SIZES.features, "fused": 6, "label": 6}, SIZES.outputs)
VALUES = Sizes(SET.features, {"affect": 2})
CLIP = Sizes({**SET.features, "face-map": 32}, SET.outputs)
CAPSULES = Sizes({**SET.features, "fused": 3}, SET.outputs)
SEQUENCE = (12, 20)
MEL = torch.randn(8, 1, 20, 20)
PICTURES = torch.randint(0, 256, (8, 3, 20, 20), dtype=torch.uint8)
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY |= {"intermediate_size": 16, "num_conv_pos_embedding_groups": 2}
TINY_TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY_TEXT |= {"intermediate_size": 16, "vocab_size": 30}
# What a class is made with, where it has no defaults or they are large. A new one with defaults is
# checked without a line here.
MADE: dict[type, Callable[[], Any]] = {
    C3DA: lambda: C3DA(1 / 32),
    S3DAE: lambda: S3DAE(8, 16, 1 / 16),
    ImageEncoder: lambda: ImageEncoder("shufflenet_v2_x0_5", dim=6),
    FrameSequenceEncoder: lambda: FrameSequenceEncoder(VectorEncoder(5, dim=6)),
    VectorEncoder: lambda: VectorEncoder(5, dim=6),
    SpeechEncoder: lambda: SpeechEncoder("wavlm", config=TINY, dim=6),
    SpeakerEncoder: lambda: SpeakerEncoder("none", dim=6, frozen=False),
    TextEncoder: lambda: TextEncoder("bert", config=TINY_TEXT, dim=6),
    ConvSequenceEncoder: lambda: ConvSequenceEncoder(12, 30, dim=6),
    TransformerSequenceEncoder: lambda: TransformerSequenceEncoder(
        ConvSequenceEncoder(12, 30, dim=6), 30, heads=3, feedforward=8
    ),
    fusion.ConcatFusion: lambda: fusion.ConcatFusion(SIZES, layers=2, width=5),
    fusion.CommonPrivateFusion: lambda: fusion.CommonPrivateFusion(SIZES, common=3),
    fusion.FilledFusion: lambda: fusion.FilledFusion(SIZES, fusion.ConcatFusion),
    fusion.CapsuleFusion: lambda: fusion.CapsuleFusion(Sizes(SIZES.features, {"emotion": 4})),
    fusion.LateFusion: lambda: fusion.LateFusion(Sizes(SIZES.features, {"emotion": 4})),
    augment.Mixup: augment.Mixup,
    augment.ModalityDropout: lambda: augment.ModalityDropout(0.5),
    augment.CropAndColour: lambda: augment.CropAndColour("x", 24),
    augment.Augmentations: lambda: augment.Augmentations(
        [augment.SpecAugment("x"), augment.Noise("x")]
    ),
    objectives.ClipReconstruction: lambda: objectives.ClipReconstruction(
        CLIP, "face", 8, 16, 1 / 16
    ),
    objectives.VectorReconstruction: lambda: objectives.VectorReconstruction(SET, "audio", 1),
    objectives.SequenceReconstruction: lambda: objectives.SequenceReconstruction(
        SET, "audio", *SEQUENCE
    ),
    objectives.TransformerReconstruction: lambda: objectives.TransformerReconstruction(
        SET, "audio", *SEQUENCE, heads=2
    ),
    objectives.CapsuleMargin: lambda: objectives.CapsuleMargin(CAPSULES),
    objectives.Concordance: lambda: objectives.Concordance(VALUES),
    objectives.AuxiliaryConcordance: lambda: objectives.AuxiliaryConcordance(
        VALUES, "audio", units=5
    ),
    objectives.AuxiliaryCrossEntropy: lambda: objectives.AuxiliaryCrossEntropy(SET, "audio"),
    objectives.OneAgainstRest: lambda: objectives.OneAgainstRest(SET, [0, 2]),
    objectives.CommonPrivate: lambda: objectives.CommonPrivate(SET, 3),
    objectives.PseudoLabel: lambda: objectives.PseudoLabel(SET, 0.0),
    objectives.Consistency: lambda: objectives.Consistency(SET, "soft", target="emotion"),
    extractors.Around: lambda: extractors.Around(extractors.LogMel()),
    extractors.OpenSmile: lambda: extractors.OpenSmile("IS10"),
    extractors.StoredFeatures: lambda: extractors.StoredFeatures("bert", [18, 342]),
    extractors.Transcript: lambda: extractors.Transcript("bert-base-uncased", 22),
}
# What it is given, where that is not what its kind is given.
GIVEN: dict[type, Any] = {
    C3DA: torch.rand(3, 8, 1, 16, 16),
    S3DAE: torch.rand(3, 8, 1, 16, 16),
    LandmarkImageEncoder: torch.randn(3, 4, 68, 3),
    ImageEncoder: torch.randn(3, 1, 64, 64),
    FrameSequenceEncoder: torch.randn(3, 4, 5),
    VectorEncoder: torch.randn(3, 5),
    SpeakerEncoder: 0.1 * torch.randn(3, 8000),
    SpectrogramEncoder: torch.randn(3, 1, 32, 40),
    SpeechEncoder: torch.randn(3, 8000),
    RawWaveformEncoder: torch.randn(3, 1280),
    TextEncoder: torch.randint(0, 30, (3, 2, 8)).float(),
    ConvSequenceEncoder: torch.randn(3, 12, 30),
    TransformerSequenceEncoder: torch.randn(3, 12, 30),
    augment.Reverberation: torch.randn(8, 4000),
    augment.FaceAugmentation: PICTURES,
    augment.CropAndColour: PICTURES,
    objectives.CapsuleMargin: (CAPSULES,),
    objectives.Concordance: (VALUES, (1,)),
    objectives.AuxiliaryConcordance: (VALUES, (1,)),
    objectives.ClipReconstruction: (CLIP, (8, 1, 16, 16)),
    objectives.SequenceReconstruction: (SET, SEQUENCE),
    objectives.TransformerReconstruction: (SET, SEQUENCE),
}


def check(kind: str, cls: Any) -> None:
    """Make an instance and check it as its kind is checked."""
    usual: dict[str, tuple[Any, ...]] = {
        "fusion": (SIZES,),
        "label encoder": (SIZES,),
        "objective": (SET,),
        "augmentation": ("x",),
    }
    made = MADE[cls]() if cls in MADE else cls(*usual.get(kind, ()))
    match kind:
        case "encoder":
            testing.check_encoder(made, GIVEN[cls])
        case "label encoder":
            testing.check_label_encoder(made, 3)
        case "fusion":
            testing.check_fusion(made, SIZES)
        case "objective":
            testing.check_objective(made, *GIVEN.get(cls, (SET,)))
        case "augmentation":
            testing.check_augmentation(made, GIVEN.get(cls, MEL))
        case "extractor":
            testing.check_extractor(made)
        case "windows":
            testing.check_windows(made)


CHECKED = (
    "windows",
    "extractor",
    "encoder",
    "label encoder",
    "fusion",
    "objective",
    "augmentation",
)


def ours(kind: str) -> list[type]:
    return [cls for cls in registered(kind) if cls.__module__.startswith("emorec.")]


@pytest.mark.parametrize(("kind", "cls"), [(kind, c) for kind in CHECKED for c in ours(kind)])
def test_registered_class_passes_its_check(kind: str, cls: type) -> None:
    check(kind, cls)


@pytest.mark.parametrize("kind", KINDS)
def test_registered_classes_are_exported_by_their_subpackage(kind: str) -> None:
    module = import_module(KINDS[kind].partition(":")[0])
    for cls in ours(kind):
        assert cls.__name__ in module.__all__, f"{module.__name__} does not export {cls.__name__}"


def test_class_names_are_unique() -> None:
    names = Counter(cls.__name__ for kind in KINDS for cls in ours(kind))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("cls", [c for kind in KINDS for c in ours(kind)])
def test_every_option_is_documented(cls: type) -> None:
    parameters = set(inspect.signature(cls).parameters)
    bases = [base for base in cls.__mro__ if base.__module__.startswith("emorec.")]
    text = "\n".join(base.__doc__ or "" for base in bases)
    missing = {name for name in parameters if f"{name}:" not in text}
    assert not missing, f"{cls.__name__} does not document {missing}"


def test_check_encoder_refuses_a_wrong_width() -> None:
    encoder = ImageEncoder("shufflenet_v2_x0_5", dim=6)
    encoder.dim = 7
    with pytest.raises(AssertionError, match=r"size encoder\.dim"):
        testing.check_encoder(encoder, torch.randn(2, 3, 64, 64))


def test_check_extraction_refuses_sentences_and_arrays_that_do_not_fit() -> None:
    extractor = StoredFeatures("bert", [2])
    two: list[Array | None] = [np.zeros(2, np.float32), None]
    half = Finding(FindingKind.ABSENT, "bert", 1, 2)
    testing.check_extraction(extractor, Extraction(two, {}, [half]), 2)
    wrong: dict[str, tuple[list[Array | None], Any]] = {
        "each window must have": ([None], half),
        "have the shape": ([np.zeros(3, np.float32), None], half),
        "have the dtype": ([np.zeros(2), None], half),
        "sentences are made later": (two, "no bert in 1 of 2 windows"),
        "must have a count": (two, Finding(FindingKind.ABSENT, "bert")),
        "must have a total": (two, Finding(FindingKind.ABSENT, "bert", 1)),
        "within the number of windows": (two, Finding(FindingKind.ABSENT, "bert", 3, 2)),
    }
    for rule, (arrays, finding) in wrong.items():
        with pytest.raises(AssertionError, match=rule):
            testing.check_extraction(extractor, Extraction(arrays, {}, [finding]), 2)
