"""Testing with missing modalities: zeroed features, nested rates, at least one left per row."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from emorec.callbacks import MissingModality
from emorec.callbacks.missing import EITHER
from emorec.errors import UserError
from emorec.evaluation.clips import clip_metrics
from emorec.tasks import ClassificationTask
from emorec.types import FeatureBundle
from tests.helpers.toy import ToyData, put_in_force, toy_task


class Look(MissingModality):
    """Keeps what was lost in each batch."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.seen: dict[tuple[str, float], dict[tuple[int, int], set[str]]] = {}
        self.able: set[tuple[int, int]] = set()
        self.clip: torch.Tensor
        self.index: torch.Tensor

    def on_test_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, *args: Any, **more: Any
    ) -> None:
        self.clip, self.index = batch.clip, batch.index
        both = torch.stack(list(batch.present.values())).all(0)
        keys = zip(batch.clip.tolist(), batch.index.tolist(), strict=True)
        self.able |= {key for key, kept in zip(keys, both.tolist(), strict=True) if kept}
        super().on_test_batch_end(trainer, pl_module, outputs, batch, *args, **more)

    def _lost(self, case: str, rate: float, *args: Any) -> dict[str, torch.Tensor]:
        lost = super()._lost(case, rate, *args)
        rows = self.seen.setdefault((case, rate), {})
        for i, key in enumerate(zip(self.clip.tolist(), self.index.tolist(), strict=True)):
            rows[key] = {name for name, mask in lost.items() if mask[i]}
        return lost


def evaluate(
    folder: Path,
    callback: MissingModality,
    task: ClassificationTask | None = None,
    clips: int = 120,
    **data: Any,
) -> ClassificationTask:
    task = task or toy_task()
    trainer = Trainer(
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.test(task, datamodule=ToyData(folder, clips=clips, **data), verbose=False)
    return task


@pytest.mark.parametrize("unit", ["clip", "segment"])
def test_what_is_missing_grows_with_the_rate_and_is_never_both(tmp_path: Path, unit: Any) -> None:
    look = Look([0.8, 0.2, 0.5, 0.0, 1.0], unit)
    evaluate(tmp_path, look, seed=3)
    for case in ("audio", "face", EITHER):
        before: set[tuple[int, int]] = set()
        for rate in (0.0, 0.2, 0.5, 0.8, 1.0):
            rows = look.seen[case, rate]
            lost = {key for key, names in rows.items() if names}
            assert before <= lost
            assert all(len(names) <= 1 for names in rows.values())
            shares = look.results[case][rate]["share"]
            units = {key[:1] if unit == "clip" else key for key in rows}
            gone = {key[:1] if unit == "clip" else key for key in lost}
            able = {key[:1] if unit == "clip" else key for key in look.able}
            assert len(gone) == round(rate * len(able))
            assert shares == len(gone) / len(units)
            before = lost
            if unit == "clip":
                assert {c for c, _ in lost}.isdisjoint({c for c, _ in rows.keys() - lost})
    seen = look.seen[EITHER, 1.0]
    halves = [set(seen[key]) for key in (look.able if unit == "segment" else seen)]
    assert {frozenset(names) for names in halves} == {frozenset({"audio"}), frozenset({"face"})}


def test_either_takes_half_of_the_share_from_each(tmp_path: Path) -> None:
    look = Look([0.2, 0.5])
    evaluate(tmp_path, look)
    for rate in (0.2, 0.5):
        rows = look.seen[EITHER, rate]
        lost = [
            {clip for (clip, _), names in rows.items() if n in names} for n in ("audio", "face")
        ]
        assert abs(len(lost[0]) - len(lost[1])) <= 1


def test_the_order_does_not_depend_on_other_clips(tmp_path: Path) -> None:
    callback = MissingModality()
    ranks = [callback._rank(f"c{i}", ()) for i in range(100)]
    assert len(set(ranks)) == 100
    assert ranks == [MissingModality()._rank(f"c{i}", ()) for i in range(100)]
    assert ranks != [MissingModality(seed=1)._rank(f"c{i}", ()) for i in range(100)]


def test_no_rate_is_the_usual_test_and_all_of_one_is_the_other_alone(tmp_path: Path) -> None:
    callback = MissingModality([0.0, 1.0])
    task = evaluate(tmp_path, callback)
    usual = clip_metrics(task.test_results["fused"], 3).scores["accuracy"]
    for case in ("audio", "face", EITHER):
        assert callback.results[case][0.0]["accuracy"] == usual
        # The same clips are decided at each rate: each keeps a modality.
        assert callback.results[case][1.0]["clips"] == callback.results[case][0.0]["clips"]


def test_missing_features_are_zero_before_the_fusion(tmp_path: Path) -> None:
    task, seen = toy_task(), []
    fuse = task.model.fuse

    def looking(features: Any, present: Any, context: Any = None) -> FeatureBundle:
        seen.append((features, present))
        return fuse(features, present, context)

    task.model.fuse = looking  # type: ignore[method-assign]
    evaluate(tmp_path, MissingModality([1.0]), task, clips=24)
    whole, audio, face, _ = seen[:4]
    both = whole[1]["audio"] & whole[1]["face"]
    assert whole[0]["audio"][both].abs().sum() > 0
    assert (audio[0]["audio"][both] == 0).all()
    assert not audio[1]["audio"][both].any()
    assert (audio[0]["face"] == whole[0]["face"]).all()
    assert (face[0]["face"][both] == 0).all()


def test_weights_of_one_modality_are_left_alone(tmp_path: Path) -> None:
    callback = MissingModality([0.5])
    task = toy_task()
    put_in_force(task, modalities=("audio",))
    evaluate(tmp_path, callback, task, clips=24)
    assert callback.results == {}


def test_a_rate_beyond_one_is_refused() -> None:
    with pytest.raises(UserError, match="shares from 0 to 1"):
        MissingModality([20])


def test_of_three_modalities_each_case_takes_its_share_of_those_that_have_it() -> None:
    names = ["audio", "face", "text"]
    has = {c: [True, True, c % 2 == 0] for c in range(40)}
    data = SimpleNamespace(
        items=[(c, w) for c in has for w in range(3)],
        labels={c: {"emotion": 0} for c in has},
        present={c: {n: [mask] * 3 for n, mask in zip(names, has[c], strict=True)} for c in has},
        ids={c: f"c{c}" for c in has},
    )
    model = SimpleNamespace(target_name="emotion", modalities=names)
    callback = MissingModality([0.5])
    callback._order, count = callback._draw(data, model)  # type: ignore[arg-type]
    assert count == 40
    keys = [(c,) for c in has]
    for case, able in (("audio", 40), ("text", 20), (EITHER, 40)):
        lost = callback._lost(case, 0.5, keys, torch.device("cpu"))
        gone = {name: {c for c in has if mask[c]} for name, mask in lost.items()}
        assert sum(map(len, gone.values())) == able / 2 == callback._lost_count(case, 0.5)
        assert all(has[c][names.index(name)] for name, clips in gone.items() for c in clips)
    whole = Counter(name for _, name in callback._order[EITHER].values())
    assert set(whole.values()) <= {13, 14}
