"""Text transformers: tiny random models, loaded as real ones are."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import Tensor

from emorec.encoders import TextEncoder
from emorec.encoders.base import WeightsError
from emorec.errors import UserError
from emorec.extractors import Transcript
from emorec.media import Media
from emorec.model.standardise import Standardise
from emorec.testing import check_encoder
from emorec.types import Clip, Window

BERT: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2}
BERT |= {"intermediate_size": 24, "vocab_size": 30, "max_position_embeddings": 20}
DISTIL: dict[str, Any] = {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24}
DISTIL |= {"vocab_size": 30, "max_position_embeddings": 20}
ARCHITECTURES = {"bert": BERT, "roberta": BERT, "distilbert": DISTIL, "electra": BERT}
each = pytest.mark.parametrize("architecture", ARCHITECTURES)


@pytest.fixture
def tokens() -> Tensor:
    """Three rows of ids, the second with padding after its fourth token."""
    ids = torch.randint(2, 30, (3, 7), generator=torch.Generator().manual_seed(0))
    mask = torch.ones(3, 7)
    mask[1, 4:] = 0
    return torch.stack([ids.float(), mask], 1)


def tiny(architecture: str = "bert", **options: Any) -> TextEncoder:
    torch.manual_seed(0)
    return TextEncoder(architecture, config=ARCHITECTURES[architecture], dim=6, **options)


def saved(architecture: str, folder: Path, kind: str = "AutoModel") -> Any:
    """Write a random model as transformers does, and return it."""
    torch.manual_seed(7)
    config = transformers.AutoConfig.for_model(architecture, **ARCHITECTURES[architecture])
    model = getattr(transformers, kind).from_config(config)
    model.save_pretrained(folder)
    return model.eval()


@each
@pytest.mark.parametrize("learning_layers", [None, 2, 0])
def test_frozen_partly_and_wholly_trained(
    architecture: str, learning_layers: int | None, tokens: Tensor
) -> None:
    encoder = tiny(architecture, learning_layers=learning_layers)
    check_encoder(encoder, tokens)
    trained = {n for n, p in encoder.named_parameters() if p.requires_grad}
    learned = {n for n, p in encoder.named_parameters() if p.grad is not None}
    assert learned == trained  # nothing waits for a gradient on several devices
    numbers = {n.split("layer.")[1].split(".")[0] for n in learned if ".layer." in n}
    assert numbers == {None: {"0", "1", "2"}, 2: {"1", "2"}, 0: set()}[learning_layers]
    assert any("embeddings" in n for n in learned) == (learning_layers is None)
    assert encoder.model.training == (learning_layers != 0)


@each
def test_features_are_the_masked_mean_of_transformers(
    architecture: str, tmp_path: Path, tokens: Tensor
) -> None:
    model = saved(architecture, tmp_path)
    encoder = tiny(architecture, weights=str(tmp_path)).eval()
    encoder.check_weights()
    encoder.load_initial_weights()
    ids = tokens[:, 0].long()
    with torch.no_grad():
        steps = model(input_ids=ids, attention_mask=tokens[:, 1].long()).last_hidden_state
        # Without the padding it is the same.
        alone = model(input_ids=ids[1:2, :4]).last_hidden_state.mean(1)
        mean = torch.stack([steps[0].mean(0), steps[1, :4].mean(0), steps[2].mean(0)])
        torch.testing.assert_close(encoder(tokens), encoder.last(mean), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(encoder(tokens)[1:2], encoder.last(alone), atol=1e-5, rtol=1e-4)


def test_weights_of_a_model_with_a_head_are_read(tmp_path: Path, tokens: Tensor) -> None:
    model = saved("bert", tmp_path, "AutoModelForMaskedLM")
    encoder = tiny(weights=str(tmp_path))
    encoder.load_initial_weights()
    wanted = model.bert.embeddings.word_embeddings.weight
    assert torch.equal(encoder.model.embeddings.word_embeddings.weight, wanted)


@each
def test_a_row_without_tokens_is_finite_and_changes_no_other(
    architecture: str, tokens: Tensor
) -> None:
    encoder = tiny(architecture, learning_layers=None).eval()
    empty = tokens.clone()
    empty[2] = 0  # as an absent modality is
    features = encoder(empty)
    assert features.isfinite().all()
    torch.testing.assert_close(features[2], encoder.last.bias)
    torch.testing.assert_close(features[:2], encoder(tokens)[:2], atol=1e-5, rtol=1e-4)
    features.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())


def test_ids_survive_standardisation_and_a_real_tokenizer_fits(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oh", "no"]
    vocabulary = {word: number for number, word in enumerate(words)}
    transformers.BertTokenizer(vocab=vocabulary).save_pretrained(tmp_path)
    transcript = Transcript(str(tmp_path), 8)
    media = Media(Path("a.mp4"), 0.0, 1.0, None, None)
    clip = Clip("a", Path("a.mp4"), text="Oh no!")
    (array,) = transcript.extract(clip, media, [Window(0.0, 1.0)]).arrays
    standardise = Standardise()
    standardise.set(*transcript.constants())
    x = standardise(torch.from_numpy(np.asarray(array))[None])
    assert x.dtype == torch.float32
    assert x[0, 0].tolist() == [2, 5, 6, 1, 3, 0, 0, 0]
    encoder = tiny().eval()
    with torch.no_grad():
        assert torch.equal(encoder(x), encoder(x.long()))
        assert not torch.equal(encoder(x), encoder(x[:, :, [0, 2, 1, 3, 4, 5, 6, 7]]))
        with torch.autocast("cpu", torch.bfloat16):  # as in bf16-mixed
            torch.testing.assert_close(encoder(x).float(), encoder(x).float())


@each
def test_checkpointing_changes_memory_and_not_gradients(architecture: str, tokens: Tensor) -> None:
    gradients = []
    for on in (False, True):
        encoder = tiny(architecture, learning_layers=None, gradient_checkpointing=on)
        for module in encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
            if isinstance(getattr(module, "dropout_prob", None), float):
                module.dropout_prob = 0.0  # type: ignore[assignment]
        encoder(tokens).square().sum().backward()
        gradients.append([p.grad for p in encoder.parameters() if p.grad is not None])
        assert on == any(getattr(m, "gradient_checkpointing", False) for m in encoder.modules())
    assert len(gradients[0]) == len(gradients[1]) > 0
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed, atol=1e-5, rtol=1e-4)


def test_the_graph_can_be_exported_with_any_number_of_rows(tokens: Tensor) -> None:
    encoder = tiny().eval()
    rows = torch.export.Dim("rows", min=1, max=1 << 20)
    program = torch.export.export(encoder, (tokens,), dynamic_shapes=({0: rows},))
    five = torch.cat([tokens, torch.randn(2, 2, 7)])  # exported models are checked on such rows
    with torch.no_grad():
        torch.testing.assert_close(program.module()(five), encoder(five), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_types_that_round_ids_are_refused(dtype: torch.dtype, tokens: Tensor) -> None:
    with pytest.raises(UserError, match="cannot hold them exactly; train with precision 32-true"):
        tiny()(tokens.to(dtype))


def test_what_does_not_fit_is_named(
    tmp_path: Path, tokens: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"reads 2 x tokens .* but the data has 7 per window"):
        tiny()(tokens[:, 0])
    with pytest.raises(UserError, match="at most 20 tokens, but the data has 21"):
        tiny()(torch.ones(1, 2, 21))
    # RoBERTa's places begin after that of padding, whose id is 1.
    with pytest.raises(UserError, match="at most 18 tokens, but the data has 19"):
        tiny("roberta")(torch.full((1, 2, 19), 5.0))
    assert tiny("roberta")(torch.full((1, 2, 18), 5.0)).isfinite().all()
    with pytest.raises(
        UserError, match=r"token id 30 is not in the vocabulary of this bert model, which has 30"
    ):
        tiny()(tokens.masked_fill(tokens == tokens[0, 0, 0], 30))
    saved("bert", tmp_path / "bert")
    other = TextEncoder("bert", str(tmp_path / "bert"), {**BERT, "intermediate_size": 20}, 6)
    with pytest.raises(WeightsError, match="give TextEncoder the same options in config as"):
        other.load_initial_weights()
    with pytest.raises(WeightsError, match=r"no folder with a config\.json"):
        tiny(weights=str(tmp_path / "nothing")).check_weights()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    absent = tiny(weights="nobody/has-such-a-model")
    absent.check_weights()
    with pytest.raises(WeightsError, match="Without a network: copy the model's folder"):
        absent.load_initial_weights()
    with pytest.raises(WeightsError, match="learning_layers must be 0 to 3"):
        tiny(learning_layers=4)
    small = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2}
    with pytest.raises(WeightsError, match=r"no text model 'nonsense' .* expected the model_type"):
        TextEncoder("nonsense")
    with pytest.raises(WeightsError, match="no text model 'bert' with the options"):
        TextEncoder("bert", config={**BERT, "num_attention_heads": 3})
    for name in ("wavlm", "t5"):
        with pytest.raises(WeightsError, match=f"reads encoders such as BERT, not a {name} model"):
            TextEncoder(name, config=small)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(WeightsError, match=r"emorec\[text-encoders\]"):
        tiny()
