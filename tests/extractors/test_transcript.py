"""Words to token ids, with a small tokenizer written here as transformers writes one."""

import pickle
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import transformers

from emorec.errors import UserError
from emorec.extractors import CLIP_TEXT, Transcript
from emorec.media import Media, MediaError
from emorec.types import Array, Clip, Window

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oh", "no", "yes", "##terday", "ä"]
WINDOWS = [Window(0.0, 1.0), Window(1.0, 2.0)]
MEDIA = Media(Path("a.mp4"), 0.0, 2.0, None, None)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a WordPiece tokenizer of ten words."""
    folder = tmp_path_factory.mktemp("tokenizer")
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    made = transformers.BertTokenizer(vocab=vocabulary, strip_accents=False)
    made.save_pretrained(folder)
    return folder


def extracted(
    tokenizer: Path, text: str, sidecars: Mapping[str, Path] | None = None
) -> list[Array | None]:
    clip = Clip("a", Path("a.mp4"), text=text, sidecars=sidecars or {})
    return Transcript(str(tokenizer), 6).extract(clip, MEDIA, WINDOWS).arrays


def test_words_become_ids_and_a_mask_in_each_window(tokenizer: Path) -> None:
    one, other = extracted(tokenizer, "Oh yesterday")
    assert one is not None
    assert other is not None
    assert one.dtype == np.int32
    assert one.tolist() == [[2, 5, 7, 8, 3, 0], [1, 1, 1, 1, 1, 0]]
    assert np.array_equal(one, other)
    (cut, _) = extracted(tokenizer, "no no no no no no no no")
    assert cut is not None
    assert cut.tolist() == [[2, 6, 6, 6, 6, 3], [1] * 6]


def test_a_text_file_counts_before_the_clips_own_text(tokenizer: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffä\n".encode())
    (array, _) = extracted(tokenizer, "oh no", {"text": path})
    assert array is not None
    assert array[0].tolist() == [2, 9, 3, 0, 0, 0]
    path.write_text(" \n")
    assert extracted(tokenizer, "oh no", {"text": path}) == [None, None]
    path.write_bytes("ä".encode("latin-1"))
    with pytest.raises(MediaError, match=r"sidecar text: not UTF-8 \(a\.txt: "):
        extracted(tokenizer, "", {"text": path})
    with pytest.raises(MediaError, match=r"sidecar text: file not found \(.*none\.txt\)"):
        extracted(tokenizer, "", {"text": tmp_path / "none.txt"})
    assert Transcript().reads == ("text", CLIP_TEXT)


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        *((code, False) for code in ("", " ", "07", "sa07", "an_4", "DFA", "statement 01", "?")),
        *((words, True) for words in ("Yes.", "no", "I have 2 dogs", "ä", "Oh NO 2")),
    ],
)
def test_numbers_and_codes_of_sentences_are_no_words(
    tokenizer: Path, text: str, is_there: bool
) -> None:
    assert (extracted(tokenizer, text)[0] is not None) == is_there


def test_ids_are_not_standardised_and_copies_load_their_own_tokenizer(tokenizer: Path) -> None:
    transcript = Transcript(str(tokenizer), 6)
    assert [values.tolist() for values in transcript.constants()] == [[0.0], [1.0]]
    clip = Clip("a", Path("a.mp4"), text="oh no")
    before = np.asarray(transcript.extract(clip, MEDIA, WINDOWS).arrays[0])
    text = pickle.dumps(transcript)
    assert len(text) < 1000
    copy = pickle.loads(text)
    assert np.array_equal(copy.extract(clip, MEDIA, WINDOWS).arrays[0], before)


def test_clips_at_once_share_a_tokenizer(tokenizer: Path) -> None:
    transcript = Transcript(str(tokenizer), 6)
    clips = [Clip(str(n), Path("a.mp4"), text="no " * (n % 5 + 1)) for n in range(200)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda c: transcript.extract(c, MEDIA, WINDOWS).arrays[0], clips))
    assert [int(np.asarray(array)[1].sum()) for array in found] == [
        min(n % 5 + 3, 6) for n in range(200)
    ]


def test_what_is_missing_is_reported_with_what_to_do(
    tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="tokens must be at least 3"):
        Transcript(tokens=2)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="cannot load the tokenizer nobody/has-such-a-model"):
        extracted(Path("nobody/has-such-a-model"), "oh")
    with pytest.raises(UserError, match="Without a network: copy its folder"):
        extracted(tmp_path, "oh")
    unpadded = transformers.AutoTokenizer.from_pretrained(tokenizer)
    unpadded.pad_token = None
    unpadded.save_pretrained(tmp_path / "unpadded")
    with pytest.raises(UserError, match="has no padding token"):
        extracted(tmp_path / "unpadded", "oh")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"emorec\[text-encoders\]"):
        extracted(tokenizer, "oh")
