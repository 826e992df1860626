"""Values over time: training on toy recordings, their traces, the delay, and the chain."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from torchmetrics.functional import concordance_corrcoef

from emorec.callbacks import MissingModality, Stage, StagedTraining
from emorec.callbacks.init_weights import start_from
from emorec.errors import ModelError, UserError
from emorec.evaluation.traces import agreement, joined, mean_of
from emorec.runs.report import Report, results_of
from emorec.tasks import RegressionTask
from tests.helpers.toy import put_in_force
from tests.helpers.toy_traces import DIMENSIONS, StepEncoder, ToyRecordings, toy_regression

QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "devices": 1,
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
    "max_epochs": -1,
}
STAGES = {
    "audio": Stage(
        12,
        train=["encoders.audio", "objectives.audio_alone"],
        objectives=["audio_alone"],
        modalities=["audio"],
        monitor="val/audio/ccc",
    ),
    "joint": Stage(24, objectives=["ccc"], monitor="val/fused/ccc"),
}


def fit(folder: Path, data: ToyRecordings, **options: Any) -> tuple[RegressionTask, Trainer]:
    task = toy_regression(targets=data.targets)
    callbacks = [StagedTraining(STAGES), Report(folder), *options.pop("callbacks", [])]
    trainer = Trainer(default_root_dir=folder, callbacks=callbacks, **QUIET)
    trainer.fit(task, datamodule=data)
    return task, trainer


Fitted = tuple[RegressionTask, Trainer, ToyRecordings, Path]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Both stages, trained once; a test that changes the data has to put it back."""
    folder = tmp_path_factory.mktemp("fitted")
    data = ToyRecordings(folder / "media", recordings=12)
    return (*fit(folder, data), data, folder)


@pytest.mark.parametrize("delay", [0.0, 0.4])
def test_recordings_are_learned_and_evaluated_as_a_whole(delay: float, tmp_path: Path) -> None:
    data = ToyRecordings(tmp_path / "media", delay=delay)
    task, trainer = fit(tmp_path, data)
    assert task.decision.target.delay_steps == round(delay / 0.04)
    best = tmp_path / "checkpoints" / "joint.ckpt"
    trainer.validate(task, datamodule=data, ckpt_path=best, weights_only=True, verbose=False)
    assert float(trainer.callback_metrics["val/fused/ccc"]) > 0.7
    trainer.test(task, datamodule=data, ckpt_path=best, weights_only=True, verbose=False)
    (report,) = (c for c in trainer.callbacks if isinstance(c, Report))  # type: ignore[attr-defined]
    fused = report.results["fused"]
    assert fused["ccc"] > 0.7
    # Against the gold standard as it stands in the file, not as it was shifted for training.
    traces, gold = task.test_results["fused"], data.traces["affect"]
    clips = sorted(traces)
    predicted = [traces[c][: len(gold[c])] for c in clips if c in gold]
    true = [gold[c][: len(traces[c])] for c in clips if c in gold]
    known = torch.tensor(np.concatenate(predicted)), torch.tensor(np.concatenate(true)).double()
    both = ~known[0].isnan().any(1)
    wanted = concordance_corrcoef(known[0][both], known[1][both])
    for number, name in enumerate(DIMENSIONS):
        found = fused["dimensions"][name]["ccc"]
        assert found == pytest.approx(float(wanted[number]), abs=0.005)
    table = np.genfromtxt(tmp_path / "predictions.csv", delimiter=",", names=True, dtype=None)
    assert len(table) == sum(map(len, traces.values()))
    assert (tmp_path / "traces.png").stat().st_size > 10000


def test_another_span_than_the_windows_is_refused_before_training(tmp_path: Path) -> None:
    data = ToyRecordings(tmp_path / "media")
    data.prepare_data()
    data.extractors["face"].around = 3.0
    trainer = Trainer(default_root_dir=tmp_path, callbacks=[StagedTraining(STAGES)], **QUIET)
    with pytest.raises(ModelError, match=r"extractors\.face reads 3 s around each window"):
        trainer.fit(toy_regression(), data)


def test_another_number_of_steps_is_refused_before_training(tmp_path: Path) -> None:
    class Halved(StepEncoder):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x[:, ::2])

    task = toy_regression(encoders={"audio": StepEncoder(), "face": Halved()})
    callbacks = [StagedTraining(STAGES), Report(tmp_path)]
    trainer = Trainer(default_root_dir=tmp_path, callbacks=callbacks, **QUIET)
    with pytest.raises(
        ModelError, match=r"windows have 25 steps of 0\.04 s, but the encoder of face gives 13"
    ):
        trainer.fit(task, datamodule=ToyRecordings(tmp_path / "media"))
    assert trainer.global_step == 0


def test_one_modality_does_not_predict_the_others_dimension(fitted: Fitted) -> None:
    task, trainer, data, folder = fitted
    audio = folder / "checkpoints" / "audio.ckpt"
    (report,) = (c for c in trainer.callbacks if isinstance(c, Report))  # type: ignore[attr-defined]
    report.results = {}
    trainer.test(task, datamodule=data, ckpt_path=audio, weights_only=True, verbose=False)
    found = {name: each["ccc"] for name, each in report.results["audio"]["dimensions"].items()}
    assert found["arousal"] > 0.6
    assert abs(found["valence"]) < 0.35
    assert set(report.results) == {"audio"}


def test_windows_without_a_modality_have_no_values_of_it(fitted: Fitted) -> None:
    _, _, data, folder = fitted
    other = ToyRecordings(folder / "media", recordings=12)
    split = {**data.part_of_clip, "r0": "test"}
    other.for_run(resumed_split=split, select_on_test=False)  # its second window has no face
    task = toy_regression()
    put_in_force(task, objectives=dict.fromkeys(task.model.objectives, 1.0))
    Trainer(default_root_dir=folder, **QUIET).test(task, datamodule=other, verbose=False)
    unknown = np.isnan(task.test_results["face"][0]).all(1)
    assert np.flatnonzero(unknown).tolist() == list(range(25, 50))
    for name in ("audio", "fused"):
        assert not np.isnan(task.test_results[name][0]).any()


def test_before_processing_is_the_agreement_without_the_chain(fitted: Fitted) -> None:
    task, trainer, data, folder = fitted
    best = folder / "checkpoints" / "joint.ckpt"
    trainer.test(task, datamodule=data, ckpt_path=best, weights_only=True, verbose=False)
    gold = {clip: trace.astype(np.float64) for clip, trace in data.traces["affect"].items()}
    task.test_results["fused"] = {
        clip: 3 * trace + 1 for clip, trace in task.raw_results["fused"].items()
    }
    (found,) = [each.results() for each in results_of(task) if each.name == "fused"]
    raw = mean_of(agreement(*joined(task.raw_results["fused"], gold)))["ccc"]
    assert found["before_processing"] == pytest.approx(raw)
    assert found["ccc"] == pytest.approx(
        mean_of(agreement(*joined(task.test_results["fused"], gold)))["ccc"]
    )
    assert abs(found["ccc"] - found["before_processing"]) > 0.1


def test_the_joint_stage_starts_its_lstm_afresh(tmp_path: Path) -> None:
    before = toy_regression().model.fusion
    states: list[torch.Tensor] = []

    class Look(Report):
        def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
            states.append(pl_module.model.fusion.lstm.weight_hh_l0.detach().clone())

    fit(tmp_path, ToyRecordings(tmp_path / "media"), callbacks=[Look(tmp_path)])
    assert all(torch.equal(states[i], before.lstm.weight_hh_l0) for i in range(13))  # type: ignore[arg-type,union-attr]
    assert not torch.equal(states[14], states[12])


def test_the_chain_is_fitted_on_validation_and_travels_with_the_weights(fitted: Fitted) -> None:
    task, trainer, data, folder = fitted
    best = folder / "checkpoints" / "joint.ckpt"
    trainer.validate(task, datamodule=data, ckpt_path=best, weights_only=True, verbose=False)
    before = float(trainer.callback_metrics["val/fused/ccc"])
    task.validation_results["fused"] = {
        clip: 3 * trace + 1 for clip, trace in task.validation_results["fused"].items()
    }
    task.decision.fit(task.validation_results["fused"], data.traces["affect"])
    chains = task.decision.chains()
    assert all(chain.scale == pytest.approx(1 / 3, rel=0.5) for chain in chains)
    assert all(chain.described() for chain in chains)
    again = toy_regression(seed=1)
    again.load_state_dict(task.state_dict())
    assert repr(again.decision.chains()) == repr(chains)
    gold = data.traces["affect"]
    for clip, trace in task.validation_results["fused"].items():
        processed = again.decision.decide(trace)[: len(gold[clip])]
        spread = processed.std(0) / gold[clip][: len(processed)].std(0)
        assert np.all((spread > 0.5) & (spread < 2))
    assert before > 0.7


@pytest.mark.parametrize("seed", range(6))
def test_a_gold_standard_that_ends_early_does_not_lower_the_ccc(fitted: Fitted, seed: int) -> None:
    """Predictions after its end take part in centring, filter and shift."""
    task, _, data, _ = fitted
    random = np.random.default_rng(seed)
    gold: dict[int, Any] = data.traces["affect"]
    kept_gold, kept = dict(gold), task.validation_results["fused"]
    made = {}
    for clip in kept:
        steps = len(gold[clip])
        wave = np.stack([np.sin(np.arange(steps) / random.uniform(5, 40)) for _ in DIMENSIONS], 1)
        gold[clip] = wave[: steps * 2 // 3].astype(np.float32)
        made[clip] = wave + 0.3 * random.normal(size=wave.shape)
        made[clip][steps * 2 // 3 :] += random.normal(scale=3)
    task.validation_results["fused"] = made
    task.decision.fit(task.validation_results["fused"], data.traces["affect"])
    after = {clip: task.decision.decide(trace) for clip, trace in made.items()}
    scores = [agreement(*joined(traces, gold)) for traces in (made, after)]
    data.traces["affect"], task.validation_results["fused"] = kept_gold, kept
    for one, other in zip(*scores, strict=True):
        assert one.main is not None
        assert other.main is not None
        assert other.main >= one.main - 1e-6  # weights are kept in float32


def test_a_run_that_starts_from_another_has_its_own_chain(fitted: Fitted, tmp_path: Path) -> None:
    _, _, _, folder = fitted
    saved = torch.load(folder / "checkpoints" / "joint.ckpt", weights_only=True)
    saved["state_dict"]["model.decision.chain"][:, 4] = 31.0
    torch.save(saved, tmp_path / "other.ckpt")
    own = toy_regression()
    start_from(tmp_path / "other.ckpt", own)
    assert not any(chain.described() for chain in own.decision.chains())
    name = "model.head.weight"
    assert torch.equal(own.state_dict()[name], saved["state_dict"][name])


def test_without_a_test_recording_the_report_is_empty(fitted: Fitted) -> None:
    task = fitted[0]
    kept = task.raw_results, task.test_results
    task.raw_results = task.test_results = {"face": {}}
    (found,) = results_of(task)
    task.raw_results, task.test_results = kept
    assert found.results()["recordings"] == 0
    assert found.results()["ccc"] is None
    head = "recording,time,arousal,valence,gold_arousal,gold_valence"
    assert found.table().to_csv(index=False).splitlines() == [head]


def test_rates_of_missing_modalities_need_classes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.rates needs a task with classes"):
        fit(tmp_path, ToyRecordings(tmp_path / "m"), callbacks=[MissingModality([0.5])])


def test_the_chain_never_sees_test_recordings(fitted: Fitted) -> None:
    task, trainer, data, folder = fitted
    best = folder / "checkpoints" / "joint.ckpt"
    trainer.validate(task, datamodule=data, ckpt_path=best, weights_only=True, verbose=False)
    task.decision.fit(task.validation_results["fused"], data.traces["affect"])
    before = repr(task.decision.chains())
    parts = data.part_of_clip
    tested = [p for p, clip in enumerate(data.all_clips) if parts.get(clip.id) == "test"]
    kept = {p: data.traces["affect"].pop(p) for p in tested if p in data.traces["affect"]}
    trainer.validate(task, datamodule=data, ckpt_path=best, weights_only=True, verbose=False)
    task.decision.fit(task.validation_results["fused"], data.traces["affect"])
    data.traces["affect"] |= kept
    assert kept
    assert repr(task.decision.chains()) == before
