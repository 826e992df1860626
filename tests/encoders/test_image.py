"""Image backbones: shapes, and initial weights from files and from a network that is away."""

from pathlib import Path
from typing import Any, cast
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from emorec.encoders import ImageEncoder
from emorec.encoders.base import WeightsError

TINY = "timm/test_resnet"
SMALL = "mobilenet_v3_small"
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    """Weights of the small backbone as torchvision saves them, for 1000 classes."""
    torch.manual_seed(7)
    return cast("State", torchvision.models.get_model(SMALL, weights=None).state_dict())


def loaded(weights: Path, backbone: str = SMALL) -> ImageEncoder:
    encoder = ImageEncoder(backbone, weights=str(weights), dim=8)
    encoder.load_initial_weights()
    return encoder


def refused(weights: Path | str, backbone: str = SMALL) -> str:
    encoder = ImageEncoder(backbone, weights=str(weights), dim=8)
    with pytest.raises(WeightsError) as caught:
        encoder.load_initial_weights()
    return str(caught.value)


@pytest.mark.parametrize("backbone", ["resnet18", SMALL, TINY])
def test_an_image_becomes_features_of_the_given_dimension(backbone: str) -> None:
    encoder = ImageEncoder(backbone, dim=7).eval()
    features = encoder(torch.randn(2, 3, 64, 64))
    assert features.shape == (2, 7)
    assert features.dtype == torch.float32
    assert encoder.dim == 7


def test_one_channel_is_copied_to_three() -> None:
    encoder = ImageEncoder(TINY, dim=4).eval()
    x = torch.randn(2, 1, 40, 52)
    torch.testing.assert_close(encoder(x), encoder(x.repeat(1, 3, 1, 1)))


def test_features_are_linear_without_relu() -> None:
    torch.manual_seed(0)
    encoder = ImageEncoder(TINY, dim=16).eval()
    rectified = ImageEncoder(TINY, dim=16, activation="relu").eval()
    rectified.load_state_dict(encoder.state_dict())
    x = torch.randn(4, 3, 32, 32)
    assert encoder(x).min() < 0
    assert torch.equal(rectified(x), encoder(x).clamp(min=0))


def test_inputs_are_resized_to_the_given_side() -> None:
    encoder = ImageEncoder(TINY, dim=4, resize=48).eval()
    sizes = []
    encoder.trunk.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape))
    for size in ((94, 94), (48, 48)):
        encoder(torch.randn(1, 3, *size))
    assert sizes == [(1, 3, 48, 48), (1, 3, 48, 48)]


def test_only_the_last_layer_is_replaced() -> None:
    encoder = ImageEncoder("resnet18", dim=9)
    assert encoder.last == "fc"
    assert isinstance(encoder.trunk.fc, nn.Linear)
    assert (encoder.trunk.fc.in_features, encoder.trunk.fc.out_features) == (512, 9)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_of_a_file_are_read_but_for_the_last_layer(
    tmp_path: Path, state: State, suffix: str
) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    encoder = ImageEncoder(SMALL, weights=str(path), dim=8)
    before = {key: value.clone() for key, value in encoder.trunk.state_dict().items()}
    encoder.load_initial_weights()
    for key, value in encoder.trunk.state_dict().items():
        kept = key.startswith(f"{encoder.last}.")
        assert torch.equal(value, before[key] if kept else state[key]), key


def test_the_constructor_reads_no_file_and_without_weights_nothing_is_read(tmp_path: Path) -> None:
    ImageEncoder(TINY, weights=str(tmp_path / "missing.pth"))
    encoder = ImageEncoder(TINY, weights="none")
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    encoder.load_initial_weights()
    assert all(torch.equal(value, before[key]) for key, value in encoder.state_dict().items())


def test_files_without_counters_of_batches_are_read(tmp_path: Path, state: State) -> None:
    # Files from before PyTorch 0.4.1, which torchvision still hands out, do not have them.
    old = {key: value for key, value in state.items() if "num_batches_tracked" not in key}
    assert len(old) < len(state)
    torch.save(old, tmp_path / "old.pth")
    encoder = loaded(tmp_path / "old.pth")
    assert torch.equal(
        encoder.trunk.state_dict()["features.0.0.weight"], old["features.0.0.weight"]
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    message = refused(tmp_path / "none.pth")
    assert f"{tmp_path / 'none.pth'} not found" in message
    assert "imagenet" in message


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_holds_no_weights_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text{suffix}"
    path.write_text("not weights")
    assert str(path) in refused(path)


def test_a_file_that_holds_something_else_is_named(tmp_path: Path, state: State) -> None:
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "nested.pth")
    assert "is not a plain state dict" in refused(tmp_path / "nested.pth")


def test_weights_of_another_model_are_refused_and_leave_the_model_alone(
    tmp_path: Path, state: State
) -> None:
    torch.save(state, tmp_path / "other.pth")
    message = refused(tmp_path / "other.pth", backbone="resnet18")
    assert "does not hold the weights of resnet18" in message
    assert "missing, for instance bn1.bias" in message
    assert "unknown, for instance classifier.0.bias" in message


def test_weights_of_another_shape_are_refused(tmp_path: Path, state: State) -> None:
    wide = {**state, "features.0.0.weight": torch.zeros(16, 1, 3, 3)}
    torch.save(wide, tmp_path / "wide.pth")
    assert "1 of another shape, for instance features.0.0.weight" in refused(tmp_path / "wide.pth")


def _no_network(*_: Any, **__: Any) -> None:
    raise URLError("no route to host")


@pytest.mark.parametrize("backbone", [SMALL, TINY])
def test_without_a_network_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, backbone: str
) -> None:
    encoder = ImageEncoder(backbone, weights="imagenet", dim=8)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", _no_network)
    monkeypatch.setattr("timm.create_model", _no_network)
    with pytest.raises(WeightsError) as caught:
        encoder.load_initial_weights()
    message = str(caught.value)
    assert f"cannot download the ImageNet weights of {backbone}" in message
    assert "no route to host" in message
    assert "weights: none" in message


def test_downloaded_weights_are_taken(monkeypatch: pytest.MonkeyPatch, state: State) -> None:
    urls = []

    def download(url: str, *_: Any, **__: Any) -> State:
        urls.append(url)
        return state

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    encoder = ImageEncoder(SMALL, weights="imagenet", dim=8)
    assert not urls
    encoder.load_initial_weights()
    assert len(urls) == 1
    assert torch.equal(
        encoder.trunk.state_dict()["features.0.0.weight"], state["features.0.0.weight"]
    )


@pytest.mark.parametrize("backbone", ["resnet51", "timm/resnet_of_nobody"])
def test_an_unknown_backbone_is_refused(backbone: str) -> None:
    with pytest.raises(WeightsError, match=backbone.removeprefix("timm/")):
        ImageEncoder(backbone)


def test_a_backbone_without_one_last_layer_is_refused() -> None:
    with pytest.raises(WeightsError, match="does not end in a single fully connected layer"):
        ImageEncoder("squeezenet1_1")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.pth").mkdir()
    assert "not found" in refused(tmp_path / "folder.pth")


def test_without_a_layer_the_backbones_own_features_come(tmp_path: Path) -> None:
    plain = ImageEncoder("shufflenet_v2_x0_5", dim=None)
    assert plain.dim == 1024
    assert plain(torch.zeros(2, 3, 48, 48)).shape == (2, 1024)
    file = tmp_path / "weights.pth"
    torch.save(torchvision.models.get_model("shufflenet_v2_x0_5", weights=None).state_dict(), file)
    plain.weights = str(file)
    plain.load_initial_weights()
    saved = torch.load(file, weights_only=True)
    assert torch.equal(plain.trunk.state_dict()["conv1.0.weight"], saved["conv1.0.weight"])
