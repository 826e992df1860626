"""Each registered class is exported, named once, and passes the checks of emorec.testing."""

import inspect
from collections import Counter
from collections.abc import Callable
from importlib import import_module

import pytest
import torch

from emorec import testing
from emorec.encoders import ImageEncoder, OneHotLabelEncoder
from emorec.extractors import FaceCrops, LogMel
from emorec.fusion import ConcatFusion
from emorec.objectives import (
    AuxiliaryCrossEntropy,
    BarlowTwins,
    ConditionalSoftHGR,
    CrossEntropy,
    DeepCCA,
    InfoNCE,
    SoftHGR,
    VICReg,
)
from emorec.plugins import KINDS, load_plugins, registered
from emorec.types import Sizes

load_plugins()
SIZES = Sizes({"audio": 6, "face": 6}, {"emotion": 3})
ALL_SIZES = Sizes({**SIZES.features, "fused": 6, "label": 6}, SIZES.outputs)
# Registered class -> a check of it. A new class without a line here fails the test below.
CHECKS: dict[type, Callable[[], None]] = {
    ImageEncoder: lambda: testing.check_encoder(
        ImageEncoder("shufflenet_v2_x0_5", dim=6), torch.randn(3, 1, 64, 64)
    ),
    OneHotLabelEncoder: lambda: testing.check_label_encoder(OneHotLabelEncoder(SIZES, dim=6), 3),
    ConcatFusion: lambda: testing.check_fusion(ConcatFusion(SIZES, layers=2, width=5), SIZES),
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
}
CHECKED_KINDS = ("extractor", "encoder", "label encoder", "fusion", "objective")


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
