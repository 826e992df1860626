"""Augmentation of training batches on their device; never of validation and test batches."""

from emorec.augment.base import Augmentation, Augmentations, InputAugmentation
from emorec.augment.crop_and_colour import CropAndColour
from emorec.augment.face import FaceAugmentation
from emorec.augment.mismatched import Mismatched
from emorec.augment.mixup import Mixup
from emorec.augment.modality_dropout import ModalityDropout
from emorec.augment.noise import Noise, Reverberation
from emorec.augment.spec_augment import SpecAugment

__all__ = [
    "Augmentation",
    "Augmentations",
    "CropAndColour",
    "FaceAugmentation",
    "InputAugmentation",
    "Mismatched",
    "Mixup",
    "ModalityDropout",
    "Noise",
    "Reverberation",
    "SpecAugment",
]
