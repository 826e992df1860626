"""A model as a folder to share: weights as safetensors, options as JSON, and a model card."""

import json
import shutil
from pathlib import Path
from typing import Any, Self

from huggingface_hub import ModelHubMixin, snapshot_download
from safetensors.torch import load_file, save_file
from typing_extensions import override

from emorec.export.describe import describe
from emorec.predict import CheckpointError, Predictor
from emorec.predict.checkpoint import PARTS, Saved, make_model

WEIGHTS, OPTIONS, CARD = "model.safetensors", "config.json", "README.md"
TRAINING = "training.yaml"
PLAIN = ("target", "within")  # options that are text


class PretrainedPredictor(Predictor, ModelHubMixin, library_name="emorec", tags=["emorec"]):
    """A predictor that can be saved to and loaded from a folder or a repository on the hub.

    ``save_pretrained(folder)``, ``from_pretrained(folder or "user/name")`` and
    ``push_to_hub("user/name")`` come from huggingface_hub. Loading executes nothing from the
    folder: weights are plain tensors and, as with checkpoints, options may name only classes of
    emorec and of installed plug-ins.

    Example::

        PretrainedPredictor.from_pretrained("my-model").predict("clip.mp4").label
    """

    options: dict[str, Any]
    card: str = ""
    attached: tuple[Path, ...] = ()  # the card's figures and the options of training

    @classmethod
    @override
    def from_saved(cls, saved: Saved, device: str = "auto", batch_size: int | None = None) -> Self:
        found = super().from_saved(saved, device, batch_size)
        found.options = saved.options
        return found

    @classmethod
    @override
    def from_pretrained(cls, place: str | Path, **options: Any) -> Self:  # type: ignore[override]
        """Load a folder or a repository on the hub.

        Args:
            place: The folder, or ``user/name``.
            options: Options of huggingface_hub, and ``device``, ``batch_size`` and ``trust`` of
                :meth:`Predictor.from_checkpoint`.

        Raises:
            CheckpointError: Something is missing or damaged, or names foreign classes.
        """
        try:
            found: Self = super().from_pretrained(place, **options)
        except json.JSONDecodeError as error:  # huggingface_hub parses it first
            raise CheckpointError(
                f"{OPTIONS} of {place} is not what emorec export writes: {error}"
            ) from error
        return found

    @override
    def _save_pretrained(self, save_directory: Path) -> None:
        """Write weights, options and the card; huggingface_hub calls this."""
        tensors = {name: t.contiguous() for name, t in self.model.state_dict().items()}
        save_file(tensors, save_directory / WEIGHTS, metadata={"format": "pt"})
        options = {key: self.options[key] for key in PARTS}
        options["description"] = describe(self)
        (save_directory / OPTIONS).write_text(json.dumps(options, indent=1) + "\n", "utf-8")
        if self.card:
            (save_directory / CARD).write_text(self.card, "utf-8")
        for file in self.attached:
            target = save_directory / file.name
            if file.resolve() != target.resolve():
                shutil.copyfile(file, target)

    @classmethod
    @override
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        device: str = "auto",
        batch_size: int | None = None,
        trust: bool = False,
        **download: Any,
    ) -> Self:
        """Load a folder or a repository on the hub; huggingface_hub calls this.

        Raises:
            CheckpointError: Something is missing or damaged, or names foreign classes.
        """
        folder = Path(model_id)
        if not folder.is_dir():
            known = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            kept = {name: download[name] for name in known if name in download}
            folder = Path(snapshot_download(model_id, **kept))
        options = _options(folder / OPTIONS)
        try:
            weights = load_file(folder / WEIGHTS)
        except Exception as error:  # safetensors raises anything on a damaged file
            raise CheckpointError(f"{folder / WEIGHTS} cannot be used: {error}") from error
        found = cls.from_saved(
            make_model(options, weights, folder, trust=trust), device, batch_size
        )
        if (folder / CARD).is_file():
            found.card = (folder / CARD).read_text("utf-8")
        found.attached = (*sorted(folder.glob("*.png")), *folder.glob(TRAINING))
        return found


def _options(file: Path) -> dict[str, Any]:
    try:
        options = json.loads(file.read_text("utf-8"))
        found = {key: options[key] for key in PARTS}
        if not all(isinstance(found[key], dict) for key in PARTS if key not in PLAIN):
            raise TypeError("expected mappings of options")
        return found
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{file} is not what emorec export writes: {type(error).__name__}: {error}"
        ) from error
