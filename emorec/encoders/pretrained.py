"""What encoders around a model of the library transformers share: weights, and what is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from emorec.encoders.base import WeightsError

LAYERS = ("layers", "encoder.layers", "encoder.layer", "transformer.layer")  # by architecture


def transformers_of(needs: str, extra: str) -> Any:
    """Return the library transformers.

    Args:
        needs: Class that needs it.
        extra: Extra of emorec that brings it.

    Raises:
        WeightsError: It is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise WeightsError(f"{needs} needs transformers: pip install 'emorec[{extra}]'") from error
    return transformers


def freeze(model: nn.Module, learning_layers: int | None, fixed: tuple[str, ...] = ()) -> None:
    """Choose which parameters are trained.

    Args:
        model: A transformer.
        learning_layers: How many of its last layers are trained; None: the whole model.
        fixed: Beginnings of names of parameters that are not trained even then.

    Raises:
        WeightsError: It has fewer layers.
    """
    # In training these models ask for a gradient of their input, and so run backward through
    # convolutions and layers that are not trained.
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
            f"learning_layers is 0 to {len(layers)} here, or null: all; not {learning_layers}"
        )
    model.requires_grad_(False)
    for layer in layers[len(layers) - learning_layers :]:
        layer.requires_grad_(True)


def enable_checkpointing(model: Any) -> None:
    """Make a model compute activations again in backward."""
    # Renamed in transformers 5; the old name goes in 6.
    names = ("activation_checkpointing_enable", "gradient_checkpointing_enable")
    enable = next(getattr(model, n) for n in names if hasattr(model, n))
    enable({"use_reentrant": False})


def check_place(weights: str, example: str) -> None:
    """Check that the folder with weights is there, if ``weights`` names one.

    Args:
        weights: ``none``, a name on the hub, or a folder.
        example: A name on the hub, for the message.

    Raises:
        WeightsError: It is not.
    """
    looks_local = weights.startswith((".", "/", "~")) or weights.count("/") > 1
    if looks_local and not (Path(weights).expanduser() / "config.json").is_file():
        raise WeightsError(
            f"no folder with a config.json at {weights}; expected 'none', a name on the "
            f"hub such as {example}, or a folder that transformers wrote"
        )


def read_model(weights: str) -> Any:
    """Return the model in a folder or on the hub.

    Raises:
        WeightsError: It cannot be had; the message says what to do without a network.
    """
    from transformers import AutoModel

    place = Path(weights).expanduser()
    try:
        return AutoModel.from_pretrained(place if place.is_dir() else weights)
    except Exception as error:  # whatever transformers and the hub meet
        raise WeightsError(
            f"cannot load the weights {weights} ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}). Without a network: copy the model's folder from a "
            "machine that has one (transformers' save_pretrained) and name the folder, or train "
            "from scratch (weights: none)"
        ) from error


def load_matching(
    model: nn.Module, state: Mapping[str, Tensor], weights: str, architecture: str, encoder: str
) -> None:
    """Give a model its weights out of a larger state.

    Args:
        model: The model.
        state: Has all of its names; others do not count.
        weights: Where the state is from, for the message.
        architecture: Of the model, for the message.
        encoder: Class that has the model, for the message.

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
        f"{type(model).__name__} has no list of layers of its own: train all of it "
        "(learning_layers: null)"
    )
