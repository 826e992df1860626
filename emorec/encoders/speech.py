"""Pre-trained speech transformers: wav2vec 2.0, HuBERT, WavLM and Whisper's encoder."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.encoders.base import Encoder, WeightsError
from emorec.encoders.pretrained import (
    check_place,
    enable_checkpointing,
    freeze,
    load_matching,
    read_model,
    transformers_of,
)
from emorec.encoders.whisper_input import WhisperLogMel, fit_positions

Architecture = Literal["wav2vec2", "hubert", "wavlm", "whisper"]


class SpeechEncoder(Encoder):
    """A speech transformer of the transformers library on the samples of a window.

    wav2vec 2.0 (https://arxiv.org/abs/2006.11477), HuBERT (https://arxiv.org/abs/2106.07447), WavLM
    (https://arxiv.org/abs/2110.13900), and the encoder of Whisper
    (https://arxiv.org/abs/2212.04356), with only as many positions as the window needs instead of
    padding to 30 s. Features are the mean over time, projected to ``dim``. Needs
    ``pip install 'emorec[speech-encoders]'``.

    Args:
        architecture: ``wav2vec2``, ``hubert``, ``wavlm`` or ``whisper``.
        weights: A name on the Hugging Face hub (``microsoft/wavlm-base``,
            ``facebook/hubert-base-ls960``, ``facebook/wav2vec2-base``, ``openai/whisper-tiny``), a
            folder written by transformers, or ``none``: random.
        config: Options of the architecture that differ from the base model (for Whisper: tiny),
            such as ``hidden_size: 1024`` for a large one. They must match the weights; the error
            says which do not.
        samples: Samples per window, at 16 kHz.
        dim: Feature dimension.
        learning_layers: Number of last transformer layers to train; None: the whole model except
            its convolutions; 0: none (frozen).
        layer_weights: Use a learned weighted mean of all layers' outputs (as SUPERB does,
            https://arxiv.org/abs/2105.01051) instead of the last layer's.
        normalise: Scale each window to mean 0 and variance 1, as in pre-training of most models
            (of the base models, all but WavLM); ignored for Whisper.
        gradient_checkpointing: Recompute activations in backward, to save memory.
        pool: ``mean`` over time, or ``none``: features (B, T, dim), for fusions of sequences.
    """

    def __init__(
        self,
        architecture: Architecture = "wavlm",
        weights: str = "none",
        config: dict[str, Any] | None = None,
        samples: int = 8000,
        dim: int = 512,
        learning_layers: int | None = 0,
        *,
        layer_weights: bool = True,
        normalise: bool = True,
        gradient_checkpointing: bool = False,
        pool: Literal["mean", "none"] = "mean",
    ) -> None:
        super().__init__()
        self.architecture, self.weights, self.dim = architecture, weights, dim
        self.samples, self.normalise, self.pool = samples, normalise, pool
        self.model = _build(architecture, config or {}, samples)
        self.log_mel = None
        if architecture == "whisper":
            self.log_mel = WhisperLogMel(self.model.config.num_mel_bins)
        size, count = self.model.config.hidden_size, self.model.config.num_hidden_layers
        self.last = nn.Linear(int(size), dim)
        self.mix = nn.Parameter(torch.zeros(count + 1)) if layer_weights else None
        self.frozen = learning_layers == 0
        # The convolutions stay frozen, as usual in fine-tuning.
        freeze(self.model, learning_layers, ("feature_extractor.", "conv1.", "conv2."))
        if gradient_checkpointing and not self.frozen:
            enable_checkpointing(self.model)

    @override
    def train(self, mode: bool = True) -> "SpeechEncoder":
        """Set the mode; a frozen model stays in evaluation mode, without dropout."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim), or (B, T, dim), of samples (B, samples) in -1 to 1.

        Raises:
            WeightsError: The windows are not ``samples`` long.
        """
        return self.learned(self.fixed(x))

    @property
    @override
    def has_fixed_part(self) -> bool:
        return self.frozen

    @override
    def fixed(self, x: Tensor) -> Tensor:
        """Return the model's layers, (B, layers, T, size), or (B, layers, size) of their means."""
        if x.shape[1:] != (self.samples,):
            raise WeightsError(
                f"SpeechEncoder has samples: {self.samples}, but the data has "
                f"{' x '.join(map(str, x.shape[1:]))} per window, at 16 kHz: set both to the same "
                "length"
            )
        if self.log_mel is not None:
            x = self.log_mel(x)
        elif self.normalise:
            deviation = x.var(1, keepdim=True, correction=0).add(1e-7).sqrt()
            x = (x - x.mean(1, keepdim=True)) / deviation
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            encoded = self.model(x, output_hidden_states=self.mix is not None)
        last = (encoded.last_hidden_state,)
        layers = torch.stack(last if self.mix is None else encoded.hidden_states, 1)
        return layers.mean(2) if self.pool == "mean" else layers

    @override
    def learned(self, x: Tensor) -> Tensor:
        weights = x.new_ones(1) if self.mix is None else self.mix.softmax(0).to(x.dtype)
        features: Tensor = self.last(torch.tensordot(x, weights, ([1], [0])))
        return features

    @override
    def check_weights(self) -> None:
        """Check that the folder with weights exists, if one is given."""
        check_place(self.weights, "microsoft/wavlm-base")

    @override
    def load_initial_weights(self) -> None:
        """Read the weights from the folder or the hub."""
        if self.weights == "none":
            return
        trained = read_model(self.weights)
        if self.architecture == "whisper":
            state = fit_positions(trained.encoder.state_dict(), self.model.state_dict())
        else:
            state = trained.state_dict()
        load_matching(self.model, state, self.weights, self.architecture, "SpeechEncoder")


def _build(architecture: Architecture, config: dict[str, Any], samples: int) -> Any:
    transformers = transformers_of("SpeechEncoder", "speech-encoders")
    if architecture == "whisper":
        options = transformers.WhisperConfig(**config)
        options.max_source_positions = -(-(samples // 160) // 2)  # of two 10 ms frames each
        return transformers.models.whisper.modeling_whisper.WhisperEncoder(options)
    names = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM"}
    name = names[architecture]
    # The masks of their pre-training are longer than a window of half a second.
    options = getattr(transformers, f"{name}Config")(
        **{"apply_spec_augment": False, "layerdrop": 0.0, **config}
    )
    return getattr(transformers, f"{name}Model")(options)
