"""Options of adversarial training, and how samples become inputs of a model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from emorec.functional.adversarial import Form
from emorec.model import EmotionModel
from emorec.model.standardise import Standardise
from emorec.networks.generators import Generator
from emorec.types import Array

AT_ONCE = 256
LIMIT = 3.0  # generated pictures are within so many deviations of the mean


@dataclass
class Adversarial:
    """Options of the GAN's training.

    Attributes:
        form: ``hinge``, or the original ``minimax``.
        weight: mu, the weight of soft-HGR between the generated modalities; 0: the generators
            share the class and the noise, and nothing makes them agree. S of k features is at most
            k / 2, so 0.1 outweighs the critics where k is 128 (the paper's mu is not known).
        on: Features that soft-HGR compares: the ``critic``'s h, the ``generator``'s last hidden
            layer (of pictures the mean over positions), or those of the encoders of a ``frozen``
            trained model, which the callback ``TrainedJudge`` names.
        auxiliary: nu, the weight of the cross-entropy of that model on generated samples; 0: none.
        real_pairs: Whether the critics also maximise soft-HGR of the real pairs.
        augment: Whether critics see samples changed by
            :func:`~emorec.functional.diff_augment`.
        decay: Of the running mean of the generators' weights, which makes all samples that are
            kept; 0 to below 1.
        rate: Learning rate of generators and critics (Adam, betas 0.5 and 0.999).
        noise: Dimension of z.
        width: Factor of the units and channels of generators and critics.
        features: Dimension k of the critics' h: with fewer rows in a batch, any samples correlate.
        per_class: Segments of each class that a run writes into its folder ``generated`` after the
            test, as ``emorec generate`` does; 0: none.
    """

    form: Form = "hinge"
    weight: float = 0.01
    on: Literal["critic", "generator", "frozen"] = "critic"
    auxiliary: float = 0.0
    real_pairs: bool = False
    augment: bool = True
    decay: float = 0.999
    rate: float = 2e-4
    noise: int = 100
    width: float = 1.0
    features: int = 128
    per_class: int = 0


def evenly(classes: int, each: int, noise: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return int64 (classes x each,), so many of each class, and noise (classes x each, noise).

    Both are the same for the same seed, on the CPU.
    """
    label = torch.arange(classes).repeat_interleave(each)
    random = torch.Generator().manual_seed(seed)
    return label, torch.randn(len(label), noise, generator=random)


def as_input(x: Tensor, standardise: Standardise, shape: Sequence[int]) -> Tensor:
    """Return samples as an encoder's input before it is standardised, float32 (B, *shape).

    Args:
        x: (B, values), or pictures (B, channels, height, width) in -1 to 1.
        standardise: What standardises the modality.
        shape: Of the modality; pictures of another height and width are resized.
    """
    if x.ndim == 4:
        if x.shape[2:] != tuple(shape[1:]):
            x = nn.functional.interpolate(x, list(shape[1:]), mode="bilinear")
        x = x * LIMIT
    raw: Tensor = x * standardise.deviation + standardise.mean
    return raw


@torch.inference_mode()
def made_in_parts(
    generators: Mapping[str, Generator],
    model: EmotionModel,
    shapes: Mapping[str, Sequence[int]],
    label: Tensor,
    noise: Tensor,
) -> Iterator[dict[str, Array]]:
    """Yield segments as extractors give them, some at once: modality -> float32 (n, *shape).

    Args:
        generators: Name of an encoder -> its generator, in evaluation mode.
        model: The model, whose statistics inputs are standardised with.
        shapes: Modality -> shape of its extractor's arrays.
        label: int64 (N,), on the generators' device.
        noise: (N, noise).
    """
    for start in range(0, len(label), AT_ONCE):
        rows, found = slice(start, start + AT_ONCE), {}
        for name, generator in generators.items():
            modality = model.reads[name]
            standardise = model.standardise[modality]
            assert isinstance(standardise, Standardise)
            made = generator(noise[rows], label[rows]).float()
            raw = as_input(made, standardise, shapes[modality])
            found[modality] = raw.cpu().numpy()
        yield found
