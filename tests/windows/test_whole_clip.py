"""One window a clip."""

from pathlib import Path

from emorec.cache import fingerprint, make_entry
from emorec.extractors import Functionals, LogMel
from emorec.types import Clip, Window
from emorec.windows import WholeClip
from tests.helpers.media_files import tone, write_sound


def test_the_window_is_the_whole_clip_for_any_length() -> None:
    assert WholeClip()("a", 3.25) == [Window(0.0, 3.25)]
    assert WholeClip()("b", 0.1) == [Window(0.0, 0.1)]
    assert WholeClip().arguments() == {}
    assert len(fingerprint(WholeClip(), {})) == 12


def test_clips_of_different_lengths_give_arrays_of_one_shape(tmp_path: Path) -> None:
    for name, seconds in (("a", 0.7), ("b", 2.3)):
        write_sound(tmp_path / f"{name}.wav", tone(16000, seconds)[None], 16000)
        extractors = {"mel": LogMel(16000), "functionals": Functionals()}
        clip = Clip(name, Path(f"{name}.wav"))
        entry, arrays = make_entry(clip, tmp_path, WholeClip(), extractors)
        assert entry.windows == [[0.0, seconds]]
        assert {key: array.shape for key, array in arrays.items()} == {
            "mel": (1, 1, 94, 94),
            "functionals": (1, 96),
        }
