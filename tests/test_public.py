"""Each registered class is exported, named once, and passes the checks of emorec.testing."""

import inspect
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch

from emorec import augment, fusion, testing
from emorec.encoders import (
    ConvSequenceEncoder,
    FrameSequenceEncoder,
    ImageEncoder,
    OneHotLabelEncoder,
    RawWaveformEncoder,
    SpeechEncoder,
    TextEncoder,
    TransformerSequenceEncoder,
    VectorEncoder,
)
from emorec.extractors import (
    Extraction,
    FaceCrops,
    FaceHog,
    FaceSequence,
    Functionals,
    LogMel,
    OpenSmile,
    StoredFeatures,
    Transcript,
    Waveform,
)
from emorec.fusion import ConcatFusion
from emorec.objectives import (
    MMD,
    AdaptiveTriplet,
    AuxiliaryConcordance,
    AuxiliaryCrossEntropy,
    BarlowTwins,
    CommonPrivate,
    Concordance,
    ConditionalSoftHGR,
    Consistency,
    CrossEntropy,
    DeepCCA,
    FocalLoss,
    InfoNCE,
    PseudoLabel,
    SequenceReconstruction,
    SoftHGR,
    SupervisedContrastive,
    TransformerReconstruction,
    VectorReconstruction,
    VICReg,
)
from emorec.plugins import KINDS, load_plugins, registered
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Sizes

load_plugins()
SIZES = Sizes({"audio": 6, "face": 6}, {"emotion": 3})
ALL_SIZES = Sizes({**SIZES.features, "fused": 6, "label": 6}, SIZES.outputs)
VALUES = Sizes(ALL_SIZES.features, {"affect": 2})
SEQUENCE = (12, 20)
MEL = torch.randn(8, 1, 20, 20)
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY |= {"intermediate_size": 16, "num_conv_pos_embedding_groups": 2}
TINY_TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY_TEXT |= {"intermediate_size": 16, "vocab_size": 30}
# Registered class -> a check of it. A new class without a line here fails the test below.
CHECKS: dict[type, Callable[[], None]] = {
    ImageEncoder: lambda: testing.check_encoder(
        ImageEncoder("shufflenet_v2_x0_5", dim=6), torch.randn(3, 1, 64, 64)
    ),
    FrameSequenceEncoder: lambda: testing.check_encoder(
        FrameSequenceEncoder(VectorEncoder(5, dim=6)), torch.randn(3, 4, 5)
    ),
    VectorEncoder: lambda: testing.check_encoder(VectorEncoder(5, dim=6), torch.randn(3, 5)),
    SpeechEncoder: lambda: testing.check_encoder(
        SpeechEncoder("wavlm", config=TINY, dim=6), torch.randn(3, 8000)
    ),
    RawWaveformEncoder: lambda: testing.check_encoder(RawWaveformEncoder(), torch.randn(3, 1280)),
    TextEncoder: lambda: testing.check_encoder(
        TextEncoder("bert", config=TINY_TEXT, dim=6), torch.randint(0, 30, (3, 2, 8)).float()
    ),
    ConvSequenceEncoder: lambda: testing.check_encoder(
        ConvSequenceEncoder(12, 30, dim=6), torch.randn(3, 12, 30)
    ),
    TransformerSequenceEncoder: lambda: testing.check_encoder(
        TransformerSequenceEncoder(ConvSequenceEncoder(12, 30, dim=6), 30, heads=3, feedforward=8),
        torch.randn(3, 12, 30),
    ),
    OneHotLabelEncoder: lambda: testing.check_label_encoder(OneHotLabelEncoder(SIZES, dim=6), 3),
    ConcatFusion: lambda: testing.check_fusion(ConcatFusion(SIZES, layers=2, width=5), SIZES),
    fusion.LowRankFusion: lambda: testing.check_fusion(fusion.LowRankFusion(SIZES), SIZES),
    fusion.TensorFusion: lambda: testing.check_fusion(fusion.TensorFusion(SIZES, 4), SIZES),
    fusion.GatedFusion: lambda: testing.check_fusion(fusion.GatedFusion(SIZES), SIZES),
    fusion.CrossModalAttention: lambda: testing.check_fusion(
        fusion.CrossModalAttention(SIZES, 8), SIZES
    ),
    fusion.JointCrossAttention: lambda: testing.check_fusion(
        fusion.JointCrossAttention(SIZES), SIZES
    ),
    fusion.LateFusion: lambda: testing.check_fusion(
        fusion.LateFusion(Sizes(SIZES.features, {"emotion": 4})), SIZES
    ),
    fusion.CommonPrivateFusion: lambda: testing.check_fusion(
        fusion.CommonPrivateFusion(SIZES, common=3), SIZES
    ),
    fusion.RecurrentFusion: lambda: testing.check_fusion(
        fusion.RecurrentFusion(SIZES, units=5), SIZES
    ),
    fusion.FilledFusion: lambda: testing.check_fusion(
        fusion.FilledFusion(SIZES, ConcatFusion), SIZES
    ),
    augment.SpecAugment: lambda: testing.check_augmentation(augment.SpecAugment("x"), MEL),
    augment.Noise: lambda: testing.check_augmentation(augment.Noise("x"), MEL),
    augment.Reverberation: lambda: testing.check_augmentation(
        augment.Reverberation("x"), torch.randn(8, 4000)
    ),
    augment.FaceAugmentation: lambda: testing.check_augmentation(
        augment.FaceAugmentation("x"), torch.randint(0, 256, (8, 3, 20, 20), dtype=torch.uint8)
    ),
    augment.CropAndColour: lambda: testing.check_augmentation(
        augment.CropAndColour("x", 24), torch.randint(0, 256, (8, 3, 20, 20), dtype=torch.uint8)
    ),
    augment.Mixup: lambda: testing.check_augmentation(augment.Mixup(), MEL),
    augment.ModalityDropout: lambda: testing.check_augmentation(augment.ModalityDropout(0.5), MEL),
    augment.Augmentations: lambda: testing.check_augmentation(
        augment.Augmentations([augment.SpecAugment("x"), augment.Noise("x")]), MEL
    ),
    MMD: lambda: testing.check_objective(MMD(ALL_SIZES), ALL_SIZES),
    VectorReconstruction: lambda: testing.check_objective(
        VectorReconstruction(ALL_SIZES, "audio", 1), ALL_SIZES
    ),
    SequenceReconstruction: lambda: testing.check_objective(
        SequenceReconstruction(ALL_SIZES, "audio", *SEQUENCE), ALL_SIZES, SEQUENCE
    ),
    TransformerReconstruction: lambda: testing.check_objective(
        TransformerReconstruction(ALL_SIZES, "audio", *SEQUENCE, heads=2), ALL_SIZES, SEQUENCE
    ),
    Concordance: lambda: testing.check_objective(Concordance(VALUES), VALUES),
    AuxiliaryConcordance: lambda: testing.check_objective(
        AuxiliaryConcordance(VALUES, "audio", units=5), VALUES
    ),
    FocalLoss: lambda: testing.check_objective(FocalLoss(ALL_SIZES), ALL_SIZES),
    SupervisedContrastive: lambda: testing.check_objective(
        SupervisedContrastive(ALL_SIZES), ALL_SIZES
    ),
    AdaptiveTriplet: lambda: testing.check_objective(AdaptiveTriplet(ALL_SIZES), ALL_SIZES),
    CommonPrivate: lambda: testing.check_objective(CommonPrivate(ALL_SIZES, 3), ALL_SIZES),
    PseudoLabel: lambda: testing.check_objective(PseudoLabel(ALL_SIZES, 0.0), ALL_SIZES),
    Consistency: lambda: testing.check_objective(
        Consistency(ALL_SIZES, "soft", target="emotion"), ALL_SIZES
    ),
    CrossEntropy: lambda: testing.check_objective(CrossEntropy(ALL_SIZES), ALL_SIZES),
    AuxiliaryCrossEntropy: lambda: testing.check_objective(
        AuxiliaryCrossEntropy(ALL_SIZES, "audio"), ALL_SIZES
    ),
    SoftHGR: lambda: testing.check_objective(SoftHGR(ALL_SIZES), ALL_SIZES),
    ConditionalSoftHGR: lambda: testing.check_objective(ConditionalSoftHGR(ALL_SIZES), ALL_SIZES),
    DeepCCA: lambda: testing.check_objective(DeepCCA(ALL_SIZES), ALL_SIZES),
    BarlowTwins: lambda: testing.check_objective(BarlowTwins(ALL_SIZES), ALL_SIZES),
    VICReg: lambda: testing.check_objective(VICReg(ALL_SIZES), ALL_SIZES),
    InfoNCE: lambda: testing.check_objective(InfoNCE(ALL_SIZES), ALL_SIZES),
    FaceCrops: lambda: testing.check_extractor(FaceCrops(size=96)),
    LogMel: lambda: testing.check_extractor(LogMel(sample_rate=16000)),
    FaceSequence: lambda: testing.check_extractor(FaceSequence(size=96)),
    Waveform: lambda: testing.check_extractor(Waveform()),
    Functionals: lambda: testing.check_extractor(Functionals()),
    FaceHog: lambda: testing.check_extractor(FaceHog(size=64)),
    OpenSmile: lambda: testing.check_extractor(OpenSmile("IS10")),
    StoredFeatures: lambda: testing.check_extractor(StoredFeatures("bert", [18, 342])),
    Transcript: lambda: testing.check_extractor(Transcript("bert-base-uncased", 22)),
}
CHECKED_KINDS = ("extractor", "encoder", "label encoder", "fusion", "objective", "augmentation")


def ours(kind: str) -> list[type]:
    return [cls for cls in registered(kind) if cls.__module__.startswith("emorec.")]


@pytest.mark.parametrize("cls", [c for kind in CHECKED_KINDS for c in ours(kind)])
def test_registered_class_passes_its_check(cls: type) -> None:
    CHECKS[cls]()


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
    with pytest.raises(AssertionError, match=r"encoder\.dim wide"):
        testing.check_encoder(encoder, torch.randn(2, 3, 64, 64))


def test_check_extraction_refuses_sentences_and_arrays_that_do_not_fit() -> None:
    extractor = StoredFeatures("bert", [2])
    two: list[Array | None] = [np.zeros(2, np.float32), None]
    half = Finding(FindingKind.ABSENT, "bert", 1, 2)
    testing.check_extraction(extractor, Extraction(two, {}, [half]), 2)
    wrong: dict[str, tuple[list[Array | None], Any]] = {
        "for each window": ([None], half),
        "have the shape": ([np.zeros(3, np.float32), None], half),
        "have the dtype": ([np.zeros(2), None], half),
        "words are made later": (two, "no bert in 1 of 2 windows"),
        "how many windows": (two, Finding(FindingKind.ABSENT, "bert")),
        "of how many windows": (two, Finding(FindingKind.ABSENT, "bert", 1)),
        "part of the windows": (two, Finding(FindingKind.ABSENT, "bert", 3, 2)),
    }
    for rule, (arrays, finding) in wrong.items():
        with pytest.raises(AssertionError, match=rule):
            testing.check_extraction(extractor, Extraction(arrays, {}, [finding]), 2)
