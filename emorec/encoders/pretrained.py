"""What encoders around a transformers model share: reading weights and freezing layers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from emorec.encoders.base import WeightsError

LAYERS = ("layers", "encoder.layers", "encoder.layer", "transformer.layer")  # by architecture


def transformers_of(needs: str, extra: str) -> Any:
    """Return the transformers package.

    Args:
        needs: Class that needs it, for the message.
        extra: Extra of emorec that installs it.

    Raises:
        WeightsError: It is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise WeightsError(f"{needs} needs transformers: pip install 'emorec[{extra}]'") from error
    return transformers


def freeze(model: nn.Module, learning_layers: int | None, fixed: tuple[str, ...] = ()) -> None:
    """Freeze parameters that are not trained.

    Args:
        model: A transformer.
        learning_layers: Number of last layers to train; None: the whole model.
        fixed: Name prefixes of parameters that are frozen even then.

    Raises:
        WeightsError: It has fewer layers.
    """
    # In training, these models require a gradient of their input, and so run backward through
    # frozen convolutions and layers.
    convolutions: Any = getattr(model, "feature_extractor", None)
    if convolutions is not None:
        convolutions._freeze_parameters()
    if learning_layers is None:
        for name, parameter in model.named_parameters():
            if name.startswith(fixed):
                parameter.requires_grad_(False)
        return
    layers = _layers(model)
    if not 0 <= learning_layers <= len(layers):
        raise WeightsError(
            f"learning_layers must be 0 to {len(layers)} here, or null (all), got {learning_layers}"
        )
    model.requires_grad_(False)
    for layer in layers[len(layers) - learning_layers :]:
        layer.requires_grad_(True)


def enable_checkpointing(model: Any) -> None:
    """Enable gradient checkpointing: activations are recomputed in backward."""
    # Renamed in transformers 5; the old name is removed in 6.
    names = ("activation_checkpointing_enable", "gradient_checkpointing_enable")
    enable = next(getattr(model, n) for n in names if hasattr(model, n))
    enable({"use_reentrant": False})


def check_place(weights: str, example: str) -> None:
    """Check that the folder with weights exists, if ``weights`` names one.

    Args:
        weights: ``none``, a name on the Hugging Face hub, or a folder.
        example: A name on the hub, for the message.

    Raises:
        WeightsError: It does not exist.
    """
    looks_local = weights.startswith((".", "/", "~")) or weights.count("/") > 1
    if looks_local and not (Path(weights).expanduser() / "config.json").is_file():
        raise WeightsError(
            f"no folder with a config.json at {weights}; expected 'none', a name on the "
            f"hub such as {example}, or a folder written by transformers"
        )


def read_model(weights: str) -> Any:
    """Return the model in a folder or on the hub.

    Raises:
        WeightsError: It cannot be loaded; the message says what to do without a network.
    """
    from transformers import AutoModel

    place = Path(weights).expanduser()
    try:
        return AutoModel.from_pretrained(place if place.is_dir() else weights)
    except Exception as error:  # transformers and the hub raise many types
        raise WeightsError(
            f"cannot load the weights {weights} ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}). Without a network: copy the model's folder from a "
            "machine that has one (transformers' save_pretrained) and give its path, or train "
            "from scratch (weights: none)"
        ) from error


def load_matching(
    model: nn.Module, state: Mapping[str, Tensor], weights: str, architecture: str, encoder: str
) -> None:
    """Load a model's weights from a state dict that may have further entries.

    Args:
        model: The model.
        state: State dict; names that the model lacks are ignored.
        weights: Origin of the state dict, for the message.
        architecture: Architecture of the model, for the message.
        encoder: Class of the encoder, for the message.

    Raises:
        WeightsError: A name is missing or has another shape.
    """
    own = model.state_dict()
    wrong = sorted(key for key in own if key not in state or state[key].shape != own[key].shape)
    if wrong:
        raise WeightsError(
            f"{weights} does not have the layers of this {architecture} model: "
            f"{len(wrong)} of {len(own)} differ, for instance {wrong[0]}; give {encoder} "
            f"the same options in config as {weights} has in its config.json"
        )
    model.load_state_dict({key: state[key] for key in own})


def _layers(model: nn.Module) -> Any:
    for path in LAYERS:
        found: Any = model
        for name in path.split("."):
            found = getattr(found, name, None)
        if found is not None:
            return found
    raise WeightsError(
        f"{type(model).__name__} has no list of layers: train all of it (learning_layers: null)"
    )
