"""What a generator makes: sheets of samples during training, and their quality afterwards."""

import json
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d
from typing_extensions import override

from emorec.data.generated import write_generated
from emorec.evaluation.generated import copying, frechet_distance
from emorec.figures.plots import pixels_of, save_figure
from emorec.figures.samples import sheet_figure
from emorec.model.kept import kept_of
from emorec.system.files import write_text
from emorec.tasks import GenerationTask
from emorec.tasks.adversarial import as_input, evenly, made_in_parts
from emorec.types import DataPart

SHOWN = 8  # samples of each class on a sheet
FIELDS = 16  # a side, of pictures that are compared
MOST = 2000  # segments of each kind that are compared


class Samples(Callback):
    """Draws samples of a :class:`~emorec.tasks.GenerationTask`, and measures them; else idle.

    After each validation, ``samples/MODALITY_epoch012.png`` for pictures and log-mel, by class and
    with the same noise in every epoch; also to W&B, if that is the logger. After the test
    ``generated_quality.json``, for each modality, on standardised inputs, pictures as means of
    16 x 16 fields: ``frechet``, the Frechet distance of test segments and as many generated ones;
    ``frechet_real``, of test and training segments, the level to reach; ``copying``, how far
    generated segments are from training ones, relative to test segments. And, if
    ``adversarial.per_class`` is set, so many segments of each class into ``generated``.

    Args:
        folder: The run directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        task = pl_module
        if not isinstance(task, GenerationTask) or not trainer.is_global_zero:
            return
        if trainer.state.fn != TrainerFn.FITTING or trainer.sanity_checking:
            return
        made, label = _drawn(task, SHOWN)
        names = list(task.model.target.names)
        for name, x in made.items():
            if x.ndim != 4:
                continue
            if len(x[0]) == 3:  # as colours
                x = as_input(x, task.standardise_of(name), task.shapes[name]) / 255
            rows = [x[label == c].cpu().numpy() for c in range(len(names))]
            figure = sheet_figure(rows, names, f"{name}, epoch {trainer.current_epoch}")
            path = self.folder / "samples" / f"{name}_epoch{trainer.current_epoch:03}.png"
            path.parent.mkdir(exist_ok=True)
            save_figure(figure, path)
            for logger in trainer.loggers:
                if isinstance(logger, WandbLogger):
                    logger.log_image(f"samples/{name}", [pixels_of(figure)])

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        task = pl_module
        if not isinstance(task, GenerationTask) or not trainer.is_global_zero:
            return
        if task.gan.per_class:
            _write(task, self.folder / "generated")
        parts = task.data.parts
        if not len(parts["train"].items) or not len(parts["test"].items):
            return
        found = {}
        real = {part: _real(task, parts[part]) for part in ("train", "test")}
        count = len(parts["test"].items)
        made, _ = _drawn(task, -(-min(count, MOST) // task.classes))
        for name in task.names:
            train, test = real["train"][name], real["test"][name]
            own = _values(made[name])
            if min(len(train), len(test)) < 2:
                continue
            found[name] = {
                "frechet": frechet_distance(test, own),
                "frechet_real": frechet_distance(test, train),
                "copying": copying(own, train, test),
                "test_segments": len(test),
                "generated_segments": len(own),
            }
        write_text(self.folder / "generated_quality.json", json.dumps(found, indent=1))
        for name, values in found.items():
            rank_zero_info(
                f"generated {name}: Frechet distance to test segments {values['frechet']:.3g} "
                f"(training segments {values['frechet_real']:.3g}), distance to the nearest "
                f"training segment {values['copying']:.2f} times that of a test segment"
            )


def _write(task: GenerationTask, out: Path) -> None:
    """Write a folder of segments for training, as ``emorec generate`` does with seed 0."""
    label, noise = evenly(task.classes, task.gan.per_class, task.gan.noise, 0)
    data, kept = task.data, kept_of(task.model, task.data)
    card = {
        **{key: kept[key] for key in ("target", "extractors", "within")},
        "classes": list(task.model.target.names),
        "contents": data.contents("train"),
        "per_class": task.gan.per_class,
        "seed": 0,
    }
    generators = {name: task.averaged_of(name) for name in task.names}
    places = label.to(task.device), noise.to(task.device)
    shapes = {name: each.shape for name, each in data.extractors.items()}
    parts = made_in_parts(generators, task.model, shapes, *places)
    write_generated(out, card, label.numpy(), data.extractors, parts)


def _drawn(task: GenerationTask, each: int) -> tuple[dict[str, Tensor], Tensor]:
    """Return so many samples of each class, always of the same noise, and their classes."""
    label, noise = evenly(task.classes, each, task.gan.noise, 0)
    made, label = task.samples(label.to(task.device), noise.to(task.device))
    return made, label.cpu()


def _values(x: Tensor) -> Tensor:
    """Return samples as rows (N, values), pictures in at most 16 x 16 fields.

    The time of the Frechet distance grows with the cube of their number.
    """
    if x.ndim == 4:
        x = adaptive_avg_pool2d(x, (min(FIELDS, x.shape[2]), min(FIELDS, x.shape[3])))
    return x.flatten(1).cpu()


@torch.no_grad()
def _real(task: GenerationTask, part: DataPart) -> dict[str, Tensor]:
    """Return modality -> (N, values) of segments that have it, evenly over the part."""
    step = max(1, len(part.items) // MOST)
    places = range(0, len(part.items), step)
    found: dict[str, list[Tensor]] = {name: [] for name in task.names}
    for start in range(0, len(places), 256):
        batch = part.__getitems__(list(places[start : start + 256])).to(task.device)
        for name in task.names:
            rows = batch.present[task.model.reads[name]]
            found[name].append(_values(task.real(name, batch)[rows]))
    return {name: torch.cat(rows) for name, rows in found.items()}
