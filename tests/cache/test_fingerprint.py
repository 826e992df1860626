import inspect
from typing import Any

import pytest

from emorec.cache import fingerprint
from emorec.extractors import Extractor, FaceCrops, FaceHog, FaceSearch, FaceSequence, LogMel
from emorec.windows import RandomWindows

OTHER: dict[type[Extractor] | type[RandomWindows], dict[str, Any]] = {
    RandomWindows: {"count": 29, "length": 0.4, "seed": 1, "fresh": True, "step": 0.2},
    LogMel: {
        "sample_rate": 16000,
        "bands": 64,
        "frames": 96,
        "hop_mode": "hop10ms_resize",
        "low": 0.0,
        "high": None,
        "normalise": "utterance",
        "top_db": 80.0,
    },
    FaceCrops: {
        "size": 94,
        "margin": 0.3,
        "borrow": 0.0,
        "faces": FaceSearch(height=720),
    },
}
SEARCHES = (
    FaceSearch(min_face=20),
    FaceSearch(min_score=0.8),
    FaceSearch(mode="every_frame"),
    FaceSearch(person="central"),
    FaceSearch(method="blazeface"),
    FaceSearch(method="yunet", weights="a.onnx"),
    FaceSearch(method="yunet", weights="b.onnx"),
)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in OTHER.items() for name in names]
)
def test_every_argument_changes_the_fingerprint(
    kind: type[Extractor] | type[RandomWindows], name: str
) -> None:
    assert OTHER[kind].keys() == inspect.signature(kind).parameters.keys()
    changed = kind(**{name: OTHER[kind][name]})
    if isinstance(changed, RandomWindows):
        assert fingerprint(changed, {}) != fingerprint(RandomWindows(), {})
    else:
        windows = RandomWindows()
        assert fingerprint(windows, {"m": changed}) != fingerprint(windows, {"m": kind()})  # type: ignore[dict-item]


def test_every_option_of_the_search_changes_the_fingerprint_of_each_who_wants_faces() -> None:
    for kind in (FaceCrops, FaceSequence, FaceHog):
        made = [kind(faces=search) for search in (*SEARCHES, FaceSearch())]
        prints = {fingerprint(RandomWindows(), {"face": extractor}) for extractor in made}
        assert len(prints) == len(made)


def test_the_fingerprint_knows_names_classes_and_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(LogMel):
        pass

    windows = RandomWindows()
    prints = {
        fingerprint(windows, {"audio": LogMel()}),
        fingerprint(windows, {"sound": LogMel()}),
        fingerprint(windows, {"audio": Mine()}),
        fingerprint(windows, {"audio": LogMel(), "sound": LogMel()}),
    }
    monkeypatch.setattr(LogMel, "version", LogMel.version + 1)
    prints.add(fingerprint(windows, {"audio": LogMel()}))
    assert len(prints) == 5


def test_the_fingerprint_knows_the_layout_of_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches whose records have warnings in words had format 2: they are in other folders."""
    now = fingerprint(RandomWindows(), {})
    monkeypatch.setattr("emorec.cache.store.FORMAT", 2)
    assert fingerprint(RandomWindows(), {}) != now


def test_the_fingerprint_is_stable_and_knows_no_order() -> None:
    one = fingerprint(RandomWindows(), {"a": LogMel(), "v": FaceCrops()})
    other = fingerprint(RandomWindows(seed=0, count=30), {"v": FaceCrops(size=224), "a": LogMel()})
    assert one == other
    assert len(one) == 12
    assert set(one) <= set("0123456789abcdef")
