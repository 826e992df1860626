"""Speech transformers: tiny random models, loaded as real ones are."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from emorec.encoders import SpeechEncoder
from emorec.encoders.base import WeightsError
from emorec.encoders.speech import Architecture
from emorec.encoders.whisper_input import WhisperLogMel
from emorec.testing import check_encoder

SAMPLES = 8000
WAV: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
WHISPER: dict[str, Any] = {"d_model": 16, "encoder_layers": 3, "encoder_attention_heads": 2}
WHISPER |= {"encoder_ffn_dim": 24, "num_mel_bins": 20}
ARCHITECTURES: dict[Architecture, dict[str, Any]] = {
    "wav2vec2": WAV,
    "hubert": WAV,
    "wavlm": WAV,
    "whisper": WHISPER,
}
each = pytest.mark.parametrize("architecture", ARCHITECTURES)


@pytest.fixture
def sound() -> Tensor:
    return 0.3 * torch.randn(3, SAMPLES, generator=torch.Generator().manual_seed(0))


def tiny(architecture: Architecture, **options: Any) -> SpeechEncoder:
    return SpeechEncoder(architecture, config=ARCHITECTURES[architecture], dim=6, **options)


def saved(architecture: Architecture, folder: Path) -> Any:
    """Write a random model as transformers does, and return it."""
    torch.manual_seed(7)
    config = ARCHITECTURES[architecture]
    if architecture == "whisper":
        whole = {**config, "decoder_layers": 1, "decoder_attention_heads": 2, "vocab_size": 30}
        whole |= {"decoder_ffn_dim": 8, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
        whole |= {
            "decoder_start_token_id": 3,
            "suppress_tokens": None,
            "begin_suppress_tokens": None,
        }
        model: Any = transformers.WhisperModel(transformers.WhisperConfig(**whole))
    else:
        name = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM"}[architecture]
        model = getattr(transformers, f"{name}Model")(
            getattr(transformers, f"{name}Config")(**config)
        )
    model.save_pretrained(folder)
    return model.eval()


@each
@pytest.mark.parametrize("learning_layers", [None, 2, 0])
def test_frozen_partly_and_wholly_trained(
    architecture: Architecture, learning_layers: int | None
) -> None:
    encoder = tiny(architecture, learning_layers=learning_layers)
    check_encoder(encoder, torch.randn(3, SAMPLES))
    learned = {n.split(".")[-0] for n, p in encoder.named_parameters() if p.grad is not None}
    assert learned >= {"last", "mix"}
    inside = {n for n, p in encoder.model.named_parameters() if p.grad is not None}
    numbers = {
        n.split("layers.")[1].split(".")[0]
        for n in inside
        if "layers." in n and "conv_layers" not in n
    }
    wanted = {None: {"0", "1", "2"}, 2: {"1", "2"}, 0: set()}[learning_layers]
    assert numbers == wanted
    assert not any(n.startswith(("feature_extractor.", "conv1.", "conv2.")) for n in inside)
    assert encoder.model.training == (learning_layers != 0)


@each
def test_features_are_those_of_transformers(
    architecture: Architecture, tmp_path: Path, sound: Tensor
) -> None:
    model = saved(architecture, tmp_path)
    encoder = tiny(architecture, weights=str(tmp_path), normalise=False).eval()
    encoder.check_weights()
    encoder.load_initial_weights()
    with torch.no_grad():
        if architecture == "whisper":
            assert encoder.log_mel is not None
            mel = encoder.log_mel(sound)
            padded = torch.nn.functional.pad(mel, (0, 3000 - mel.shape[-1]))
            # The same convolutions and positions; attention to the padding cannot be the same.
            hidden = model.encoder(padded, output_hidden_states=True).hidden_states[0][:, :24]
            own = encoder.model(mel, output_hidden_states=True).hidden_states[0][:, :24]
            torch.testing.assert_close(own, hidden, atol=1e-5, rtol=1e-4)
            return
        layers = torch.stack(model(sound, output_hidden_states=True).hidden_states)
        assert encoder.mix is not None
        encoder.mix.copy_(torch.tensor([1.0, 0.0, -1.0, 2.0]))
        shares = torch.tensor([1.0, 0.0, -1.0, 2.0]).softmax(0)
        mean = (shares.view(-1, 1, 1, 1) * layers).sum(0).mean(1)
        torch.testing.assert_close(encoder(sound), encoder.last(mean), atol=1e-5, rtol=1e-4)


def test_windows_are_normalised_and_silence_is_no_division_by_zero(sound: Tensor) -> None:
    encoder = tiny("wav2vec2").eval()
    with torch.no_grad():
        torch.testing.assert_close(encoder(sound), encoder(0.2 * sound + 0.1), atol=1e-3, rtol=1e-2)
        assert encoder(torch.zeros(1, SAMPLES)).isfinite().all()


def test_whispers_log_mel_is_its_feature_extractors(sound: Tensor) -> None:
    extractor: Any = transformers.WhisperFeatureExtractor
    theirs = extractor(feature_size=80)
    wanted = theirs(list(sound.numpy()), sampling_rate=16000, return_tensors="pt").input_features
    found = WhisperLogMel(80)(sound)
    assert found.shape == (3, 80, 50)
    # At its end theirs goes on into the padding.
    torch.testing.assert_close(found[..., :-2], wanted[..., :48], atol=1e-3, rtol=1e-3)


@each
def test_checkpointing_changes_memory_and_not_gradients(
    architecture: Architecture, sound: Tensor
) -> None:
    gradients = []
    for on in (False, True):
        torch.manual_seed(0)
        encoder = tiny(architecture, learning_layers=None, gradient_checkpointing=on).eval()
        encoder.model.train()
        for module in encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
            for name in ("dropout", "activation_dropout", "attention_dropout"):
                if isinstance(getattr(module, name, None), float):
                    setattr(module, name, 0.0)
        encoder(sound).square().sum().backward()
        gradients.append([p.grad for p in encoder.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed, atol=1e-4, rtol=1e-3)


def test_sequences_of_features_are_an_option(sound: Tensor) -> None:
    assert tiny("wavlm", pool="none", layer_weights=False)(sound).shape == (3, 24, 6)


def test_what_does_not_fit_is_named(
    tmp_path: Path, sound: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved("wavlm", tmp_path / "wavlm")
    other = SpeechEncoder("wavlm", str(tmp_path / "wavlm"), {**WAV, "intermediate_size": 20}, dim=6)
    with pytest.raises(WeightsError, match="the same options in config as"):
        other.load_initial_weights()
    with pytest.raises(WeightsError, match=r"no folder with a config\.json"):
        tiny("wavlm", weights=str(tmp_path / "nothing")).check_weights()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    absent = tiny("wavlm", weights="nobody/has-such-a-model")
    absent.check_weights()
    with pytest.raises(WeightsError, match="Without a network: copy the model's folder"):
        absent.load_initial_weights()
    with pytest.raises(WeightsError, match="has samples: 8000, but the data has 4000"):
        tiny("wavlm")(sound[:, :4000])
    with pytest.raises(WeightsError, match="learning_layers must be 0 to 3"):
        tiny("wavlm", learning_layers=4)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(WeightsError, match=r"emorec\[speech-encoders\]"):
        tiny("wavlm")


@pytest.mark.parametrize("architecture", ["wav2vec2", "hubert", "wavlm"])
def test_nothing_runs_backward_through_what_is_not_trained(
    architecture: Architecture, sound: Tensor
) -> None:
    encoder = tiny(architecture, learning_layers=1).train()
    graphs: dict[str, bool] = {}

    def look(name: str) -> Any:
        def hook(module: Any, given: Any, made: Any) -> None:
            first = made[0] if isinstance(made, tuple) else made
            graphs[name] = first.requires_grad

        return hook

    encoder.model.feature_extractor.register_forward_hook(look("convolutions"))
    for number, layer in enumerate(encoder.model.encoder.layers):
        layer.register_forward_hook(look(f"layer {number}"))
    torch.autograd.backward(encoder(sound).sum())
    count = len(encoder.model.encoder.layers)
    assert count > 1
    assert not graphs.pop("convolutions")
    assert graphs == {f"layer {i}": i == count - 1 for i in range(count)}
