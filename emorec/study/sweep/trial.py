"""One trial of a sweep: a run of fit that is watched, and stopped early if it is unpromising."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from typing_extensions import override

from emorec.callbacks import StagedTraining
from emorec.study.config import StudyError
from emorec.study.runner import train
from emorec.study.sweep.config import Sweep, arguments_of
from emorec.system.files import digest
from emorec.tasks import data_of

Fit = Callable[..., None]


class Watch(Callback):
    """Reports the last stage's validation metric to a trial, and stops it if unpromising.

    Args:
        trial: Optuna's trial.
        metric: See :class:`Sweep`.

    Attributes:
        best: The best value of the last stage.
        pruned: Whether the trial was stopped.
    """

    def __init__(self, trial: Any, metric: str | None) -> None:
        self.trial, self.metric = trial, metric
        self.best: float | None = None
        self.pruned = False

    @override
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse a run that selects on test clips."""
        data = data_of(trainer)
        if data is not None and data.select_on_test:
            raise StudyError("select_on_test is set: a sweep must not look at test clips")

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING or trainer.sanity_checking:
            return
        staged = _stages_of(trainer)
        name, _ = staged.stage_at(trainer.current_epoch)
        if name != list(staged.stages)[-1]:
            return
        metric = self.metric or staged.stages[name].monitor
        if metric not in trainer.callback_metrics:
            raise StudyError(f"the sweep's metric {metric} is not measured in validation")
        if staged.stages[name].keep == "last":
            self.best = None
        self._raise_to(float(trainer.callback_metrics[metric]))
        self._look_back(staged)
        self.trial.report(self.best, trainer.current_epoch)
        if self.trial.should_prune():
            self.pruned = True
            raise StudyError("stopped: other trials were better at this epoch")

    @override
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Include the best value that a resumed run reached before."""
        self._look_back(_stages_of(trainer))

    def _look_back(self, staged: StagedTraining) -> None:
        name, stage = list(staged.stages.items())[-1]
        if self.metric in (None, stage.monitor) and name in staged.best:
            self._raise_to(staged.best[name]["score"])

    def _raise_to(self, value: float) -> None:
        self.best = value if self.best is None else max(self.best, value)


def _stages_of(trainer: Trainer) -> StagedTraining:
    (staged,) = [c for c in trainer.callbacks if isinstance(c, StagedTraining)]  # type: ignore[attr-defined]
    return staged


def run_trial(sweep: Sweep, out: Path, fit: Fit, trial: Any) -> float:
    """Return the best value of a trial's last stage; NaN if it failed.

    Args:
        sweep: The sweep.
        out: Its folder; the run directory is in ``trials``.
        fit: The command ``fit``.
        trial: Optuna's trial.

    Raises:
        optuna.TrialPruned: It was stopped early.
    """
    import optuna

    chosen = {name: _suggest(trial, name, values) for name, values in sweep.space.items()}
    before = _same(trial)
    if before is not None:  # its run directory is already trained
        trial.set_user_attr("run", before.user_attrs.get("run", ""))
        if before.value is None:
            raise optuna.TrialPruned
        return float(before.value)
    options = {**(sweep.options or {}), **chosen}
    name = digest(json.dumps(chosen, sort_keys=True), 4).hex()
    run = out / "trials" / name  # equal options resume in the same directory
    trial.set_user_attr("run", str(run))
    watch = Watch(trial, sweep.metric)
    arguments = ["fit", f"--config={sweep.config}", *arguments_of(options)]
    arguments += ["--test=false", f"--run={run}"]
    reason = train(partial(fit, callbacks=[watch]), arguments, run, sweep.name)
    if watch.pruned:
        raise optuna.TrialPruned
    if reason is not None or watch.best is None:
        trial.set_user_attr("reason", reason or "nothing was measured")
        return float("nan")  # Optuna counts it as failed
    return watch.best


def _same(trial: Any) -> Any:
    """Return a finished or pruned earlier trial with the same options, or None."""
    from optuna.trial import TrialState

    ended = TrialState.COMPLETE, TrialState.PRUNED
    trials = trial.study.get_trials(deepcopy=False, states=ended)
    return next((each for each in trials if each.params == trial.params), None)


def _suggest(trial: Any, name: str, values: Mapping[str, Any]) -> Any:
    if "choices" in values:
        return trial.suggest_categorical(name, list(values["choices"]))
    low, high = values["low"], values["high"]
    more = {key: values[key] for key in ("log", "step") if key in values}
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, **more)
    return trial.suggest_float(name, float(low), float(high), **more)
