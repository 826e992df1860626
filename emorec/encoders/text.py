"""Pre-trained text transformers: BERT, RoBERTa, DistilBERT, ELECTRA, ..."""

from typing import Any

import torch
from torch import Tensor, nn

from emorec.encoders.base import Encoder, WeightsError
from emorec.encoders.pretrained import (
    check_place,
    enable_checkpointing,
    freeze,
    load_matching,
    read_model,
    transformers_of,
)
from emorec.errors import UserError


class TextEncoder(Encoder):
    """A text transformer of the library transformers on the tokens of an utterance.

    BERT (https://arxiv.org/abs/1810.04805), RoBERTa (https://arxiv.org/abs/1907.11692), DistilBERT
    (https://arxiv.org/abs/1910.01108), ELECTRA (https://arxiv.org/abs/2003.10555), and what else
    has one encoder over tokens. Features are the mean of the last layer over tokens that the mask
    does not hide, projected to ``dim``. The input is that of
    :class:`~emorec.extractors.Transcript`, whose tokenizer has to be the model's own. Needs
    ``pip install 'emorec[text-encoders]'``.

    Args:
        architecture: The ``model_type`` in the model's config.json: ``bert``, ``roberta``,
            ``distilbert``, ``electra``, ``deberta-v2``, ``xlm-roberta``, ...
        weights: A name on the Hugging Face hub (``bert-base-uncased``,
            ``distilbert/distilbert-base-uncased``), a folder that transformers wrote, or ``none``:
            random.
        config: Options of the architecture where they are not its defaults (for BERT those of the
            base model), such as ``hidden_size: 1024`` for a large one, or ``vocab_size: 50265``
            for roberta-base. They have to be those of the weights; the error says which differ.
        dim: Width of the features.
        learning_layers: How many of the last transformer layers are trained; None: the whole
            model; 0: none (frozen).
        gradient_checkpointing: Compute activations again in backward, to save memory.

    Raises:
        WeightsError: transformers is not installed, or an option does not fit the architecture.
    """

    def __init__(
        self,
        architecture: str = "bert",
        weights: str = "none",
        config: dict[str, Any] | None = None,
        dim: int = 512,
        learning_layers: int | None = 0,
        *,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.architecture, self.weights, self.dim = architecture, weights, dim
        self.model = _build(architecture, config or {})
        self.most = _most_tokens(self.model)
        self.last = nn.Linear(int(self.model.config.hidden_size), dim)
        self.frozen = learning_layers == 0
        freeze(self.model, learning_layers)
        if gradient_checkpointing and not self.frozen:
            enable_checkpointing(self.model)

    def train(self, mode: bool = True) -> "TextEncoder":
        """Set the mode; a frozen model stays in evaluation mode, without dropout."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of token ids and their mask.

        Args:
            x: (B, 2, tokens), float32, float64 or an integer type. Row 0 are ids, row 1 is 1 for
                tokens and 0 for padding. The features of a row without tokens are the bias of the
                last layer.

        Raises:
            UserError: Another shape; a type that rounds ids; an id that the model does not know.
        """
        if x.dtype in (torch.float16, torch.bfloat16):
            raise UserError(
                f"TextEncoder got token ids as {str(x.dtype).removeprefix('torch.')}, which cannot "
                "hold them exactly; train with precision 32-true, or with bf16-mixed or 16-mixed, "
                "where inputs stay float32"
            )
        if x.ndim != 3 or x.shape[1] != 2:
            raise UserError(
                f"TextEncoder reads 2 x tokens (ids and mask), but the data brings "
                f"{' x '.join(map(str, x.shape[1:]))} a window: its extractor is Transcript"
            )
        # Below 0 are no ids of a tokenizer, but exported models are checked on random numbers.
        ids, there = x[:, 0].round().long().clamp(min=0), x[:, 1] > 0.5
        self._check(ids)
        # Attention over nothing is not a number: rows without tokens look at their first place.
        seen = there.clone()
        seen[:, 0] |= ~there.any(1)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            steps = self.model(input_ids=ids, attention_mask=seen.long()).last_hidden_state
        share = there.unsqueeze(2).to(steps.dtype)
        mean = (steps * share).sum(1) / share.sum(1).clamp(min=1)
        features: Tensor = self.last(mean)
        return features

    def _check(self, ids: Tensor) -> None:
        config = self.model.config
        if self.most is not None and ids.shape[1] > self.most:
            raise UserError(
                f"this {self.architecture} model reads at most {self.most} tokens, but the data "
                f"brings {ids.shape[1]}; give the extractor Transcript fewer tokens"
            )
        if torch.compiler.is_compiling():  # a graph cannot depend on values
            return
        highest = int(ids.max())
        if highest >= config.vocab_size:
            raise UserError(
                f"token id {highest} is not of this {self.architecture} model, which knows "
                f"{config.vocab_size} (vocab_size): give Transcript the tokenizer of "
                f"{self.weights if self.weights != 'none' else 'the model'}, or TextEncoder the "
                "vocab_size of the tokenizer in config"
            )

    def check_weights(self) -> None:
        """Check that the folder with weights, if one is named, is there."""
        check_place(self.weights, "bert-base-uncased")

    def load_initial_weights(self) -> None:
        """Read the weights, from the folder or the hub; see the base class."""
        if self.weights == "none":
            return
        state = read_model(self.weights).state_dict()
        load_matching(self.model, state, self.weights, self.architecture, "TextEncoder")


def _build(architecture: str, config: dict[str, Any]) -> Any:
    transformers = transformers_of("TextEncoder", "text-encoders")
    try:
        model = transformers.AutoModel.from_config(
            transformers.AutoConfig.for_model(architecture, **config)
        )
    except Exception as error:  # what transformers makes of options that do not fit
        raise WeightsError(
            f"transformers has no text model {architecture!r} with the options {config} "
            f"({type(error).__name__}: {next(iter(str(error).splitlines()), '')[:200]}); expected "
            "the model_type and the options of a config.json, such as bert, roberta, distilbert"
        ) from error
    if getattr(model.config, "is_encoder_decoder", False) or not _reads_tokens(model):
        raise WeightsError(f"TextEncoder reads encoders such as BERT, not a {architecture} model")
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # its output is not used, so it would get no gradient
    return model


def _reads_tokens(model: Any) -> bool:
    try:
        return isinstance(model.get_input_embeddings(), nn.Embedding)
    except (NotImplementedError, AttributeError):
        return False


def _most_tokens(model: Any) -> int | None:
    """Return how many tokens a model reads at most; None where it does not say."""
    most = getattr(model.config, "max_position_embeddings", None)
    places = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    # RoBERTa and its like count places from the one after padding's.
    padding = getattr(places, "padding_idx", None)
    return most if most is None or padding is None else int(most) - padding - 1
