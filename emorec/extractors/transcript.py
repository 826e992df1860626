"""The spoken words, as token ids of a text model."""

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from emorec.errors import UserError
from emorec.extractors.base import CLIP_TEXT, Extraction, Extractor
from emorec.media import Media, MediaError
from emorec.networks.sentence import VOCABULARY, folder
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window

# Corpora with few sentences name them: 07, sa07, an_4, DFA, "statement 01".
CODE = re.compile(r"[^\W\d]*[ _-]?\d+|[A-Z]{2,4}")
_TOKENIZING = threading.Lock()


class Transcript(Extractor):
    """Token ids of a clip's words and their mask, int32 (2, tokens); of the whole utterance.

    Row 0 holds ids, 0 to the size of the vocabulary - 1, with the model's special tokens; row 1 is
    1 for tokens and 0 for padding. Longer texts are truncated. Each window of a clip has the same
    array. The words come from a text file, UTF-8; if a clip has none, from its own text (in a
    manifest the column ``text``) if that holds words: a number or code of a sentence (``07``,
    ``DFA``, ``statement 01``) does not count. Without words the modality is absent.

    Needs ``pip install 'emorec[text-encoders]'``. Goes with :class:`~emorec.encoders.TextEncoder`,
    which must use the same model as the tokenizer.

    Args:
        tokenizer: A name on the Hugging Face hub; a folder that transformers wrote (if its content
            changes it needs another name, or the cache keeps the old ids); or ``package``, that of
            TextEncoder's.
        tokens: Length, including special tokens.
        sidecar: Name of the sidecar with the text; in a manifest the column ``sidecar_NAME``.

    Raises:
        UserError: Fewer than 3 tokens; the tokenizer cannot be loaded, or has no padding.
    """

    dtype: ClassVar[type[np.generic]] = np.int32
    pooled_axes: ClassVar[tuple[int, ...]] = (1,)

    def __init__(
        self, tokenizer: str = "bert-base-uncased", tokens: int = 32, sidecar: str = "text"
    ) -> None:
        if tokens < 3:
            raise UserError(
                f"tokens must be at least 3 (one word and two special tokens), got {tokens}"
            )
        self.tokenizer, self.tokens, self.sidecar = tokenizer, tokens, sidecar
        self._loaded: Any = None

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(2, tokens)."""
        return (2, self.tokens)

    @override
    @property
    def reads(self) -> tuple[str, ...]:
        """The text file, and the clip's own text."""
        return (self.sidecar, CLIP_TEXT)

    @override
    def constants(self) -> tuple[Array, Array]:
        """0 and 1: ids stay ids."""
        return np.zeros(1, np.float32), np.ones(1, np.float32)

    @override
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return the same ids and mask for each window.

        Raises:
            MediaError: The text file is missing or not UTF-8.
        """
        words = self._words(clip)
        if not words:
            missing = Finding(FindingKind.MISSING, "transcript")
            return Extraction([None] * len(windows), {"words": 0}, [missing])
        with _TOKENIZING:  # clips are processed in threads, and a tokenizer serves one at a time
            if self._loaded is None:
                self._loaded = _load(self.tokenizer)
            found = self._loaded(
                words, truncation=True, padding="max_length", max_length=self.tokens
            )
        array = np.array([found["input_ids"], found["attention_mask"]], np.int32)
        return Extraction([array for _ in windows], {"words": len(words.split())})

    def _words(self, clip: Clip) -> str:
        path = clip.sidecars.get(self.sidecar)
        if path is None:
            text = clip.text.strip()
            return "" if CODE.fullmatch(text) or not any(map(str.isalpha, text)) else text
        try:
            return path.read_text(encoding="utf-8-sig").strip()
        except FileNotFoundError as error:
            raise MediaError(f"sidecar {self.sidecar}: file not found", str(path)) from error
        except UnicodeDecodeError as error:
            raise MediaError(
                f"sidecar {self.sidecar}: not UTF-8", f"{path.name}: {error}; save it as UTF-8 text"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        """Drop the tokenizer: each worker process loads its own."""
        return self.__dict__ | {"_loaded": None}


def _load(name: str) -> Any:
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise UserError(
            "Transcript needs transformers: pip install 'emorec[text-encoders]'"
        ) from error
    place = folder(VOCABULARY) if name == "package" else Path(name).expanduser()
    try:
        found = AutoTokenizer.from_pretrained(place if place.is_dir() else name)
    except Exception as error:  # transformers and the hub raise many kinds
        reason = next(iter(str(error).splitlines()), "")
        raise UserError(
            f"cannot load the tokenizer {name} ({type(error).__name__}: {reason}). Without a "
            "network: copy its folder from a machine that has one (transformers' save_pretrained) "
            "and name the folder in the option tokenizer of Transcript"
        ) from error
    if found.pad_token is None:
        raise UserError(
            f"the tokenizer {name} has no padding token; expected one of an encoder such as BERT"
        )
    return found
