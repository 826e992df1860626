"""A search for options by Optuna: trials are runs that never look at test clips."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from emorec.errors import UserError
from emorec.study.config import StudyError
from emorec.study.runner import prepare_worker
from emorec.study.sweep.config import Sweep
from emorec.study.sweep.trial import Fit, run_trial
from emorec.system.workers import worker_pool


def run_sweep(
    sweep: Sweep, out: Path, *, fit: Fit, jobs: int = 1, say: Callable[[str], None]
) -> None:
    """Run the remaining trials.

    ``sweep.db`` in the folder is Optuna's storage (SQLite). Trials that were killed are repeated
    first, from their last epoch.

    Args:
        sweep: The sweep.
        out: Folder of the sweep; run directories are in ``trials``.
        fit: The command ``fit``; called in other processes.
        jobs: Number of trials to run at once.
        say: Called with each line for the user.

    Raises:
        UserError: Optuna is not installed, or another process is running this sweep.
    """
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StudyError(
            f"another process is running the sweep in {out}; wait for it or name another folder "
            "with --out"
        ) from error
    with lock:
        search = open_search(sweep, out)
        _retry(search, say)
        finished = sum(trial.state.is_finished() for trial in search.trials)
        say(f"{sweep.trials} trials, {min(finished, sweep.trials)} done before; {out / 'sweep.db'}")
        if finished >= sweep.trials:
            return
        threads = max(1, (os.cpu_count() or 1) // jobs)
        with worker_pool(jobs, prepare_worker, threads) as pool:
            work = [pool.submit(_work, sweep, out, fit, number) for number in range(jobs)]
            for future in work:
                future.result()


def open_search(sweep: Sweep, out: Path, number: int = 0) -> Any:
    """Return Optuna's study of a sweep; created if missing.

    Raises:
        UserError: Optuna is not installed, or the folder has a sweep of another space.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError("a sweep needs Optuna: pip install 'emorec[sweep]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"sqlite:///{out / 'sweep.db'}"
    search = optuna.create_study(
        storage=storage, study_name=sweep.name, direction="maximize", load_if_exists=True
    )
    # More than the seed: a resumed process must not repeat earlier draws.
    search.sampler = optuna.samplers.TPESampler(
        seed=sweep.seed + 1000 * len(search.trials) + number
    )
    search.pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    config = sweep.config.read_text(encoding="utf-8")
    text = json.dumps([config, sweep.space, sweep.options, sweep.metric], sort_keys=True)
    before = search.user_attrs.get("sweep")
    if before is None:
        search.set_user_attr("sweep", text)
    elif before != text:
        raise StudyError(
            f"{out} is a sweep with another config, space, metric or options; name another folder "
            "with --out"
        )
    return search


def _retry(search: Any, say: Callable[[str], None]) -> None:
    """Mark trials that a kill left running as failed, and queue their options first."""
    from optuna.trial import TrialState

    for trial in search.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        search.tell(trial.number, state=TrialState.FAIL)
        search.enqueue_trial(trial.params)
        say(f"trial {trial.number} was interrupted and is repeated")


def _work(sweep: Sweep, out: Path, fit: Fit, number: int) -> None:
    """Run trials in this process until all are done."""
    import optuna

    search = open_search(sweep, out, number)
    enough = optuna.study.MaxTrialsCallback(sweep.trials, states=None)
    if sum(trial.state.is_finished() for trial in search.trials) < sweep.trials:
        search.optimize(partial(run_trial, sweep, out, fit), callbacks=[enough])
