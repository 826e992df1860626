"""The model as a graph that runs without its Python code: ONNX and torch.export."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.export.describe import KEY, describe, input_dtype
from emorec.predict import Predictor
from emorec.predict.scoring import WindowRunner
from emorec.system.files import whole
from emorec.types import SegmentBatch

TOLERANCE = 1e-4  # of probabilities
OPSET = 18


class ExportError(UserError):
    """A model cannot be exported, or the exported model does not agree with it."""


class Graph(nn.Module):
    """A model from the extractors' arrays to class probabilities, standardisation included.

    Args:
        run: Runs the trained model.
    """

    def __init__(self, run: WindowRunner) -> None:
        super().__init__()
        self.model, self.run = run.model, run
        self.names = sorted(run.model.standardise)

    @override
    def forward(self, *inputs: Tensor) -> Tensor:
        """Return probabilities, float32 (B, classes).

        Args:
            inputs: The array (B, ...) of each modality, then the mask of presence (B,) of each.
        """
        count = len(self.names)
        arrays = dict(zip(self.names, inputs[:count], strict=True))
        present = dict(zip(self.names, inputs[count:], strict=True))
        size = inputs[0].shape[0]
        none = torch.zeros(size, dtype=torch.int64, device=inputs[0].device)
        target = self.model.target_name
        batch = SegmentBatch(arrays, present, {target: none}, {target: none > 0}, none, none)
        return self.run.scores(batch)


def export_onnx(predictor: Predictor, path: Path) -> None:
    """Write the model as one ONNX file, with its description in the metadata under ``emorec``.

    onnxruntime is checked against PyTorch on random windows with all patterns of absence.

    Raises:
        ExportError: onnx, onnxscript or onnxruntime is not installed, or the results differ by more
            than 1e-4.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter imports it late
    except ImportError as error:
        raise ExportError(f'ONNX needs {error.name}: pip install "emorec[export]"') from error
    graph, example = _graph(predictor)
    names = input_names(graph.names)
    with whole(path) as part:
        with warnings.catch_warnings():
            # All inputs have the same number of windows, so one name is enough.
            warnings.filterwarnings("ignore", ".*axis name.*will not be used")
            torch.onnx.export(
                graph,
                example,
                part,
                dynamo=True,
                opset_version=OPSET,
                input_names=names,
                output_names=["probabilities"],
                dynamic_shapes=(_dynamic(example),),
                external_data=False,
                verbose=False,
            )
        model = onnx.load(part)
        onnx.helper.set_model_props(model, {KEY: json.dumps(describe(predictor))})
        onnx.checker.check_model(model)
        onnx.save(model, part)
        session = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"])
        for size in (1, 5):
            inputs = _random(predictor, size)
            (found,) = session.run(None, dict(zip(names, (t.numpy() for t in inputs), strict=True)))
            _agree(graph, inputs, torch.from_numpy(np.asarray(found)), "ONNX")


def export_torch(predictor: Predictor, path: Path) -> None:
    """Write the model as a ``.pt2`` file of torch.export, described by ``emorec.json`` in it.

    Raises:
        ExportError: The results differ by more than 1e-4.
    """
    graph, example = _graph(predictor)
    with torch.no_grad():
        program = torch.export.export(graph, example, dynamic_shapes=(_dynamic(example),))
    with whole(path) as part:
        extra = {f"{KEY}.json": json.dumps(describe(predictor))}
        torch.export.save(program, part, extra_files=extra)
        loaded = torch.export.load(part).module()
        for size in (1, 5):
            inputs = _random(predictor, size)
            _agree(graph, inputs, loaded(*inputs), "torch.export")


def input_names(modalities: list[str]) -> list[str]:
    """Return the names of a graph's inputs, in order."""
    return [*modalities, *(f"present_{name}" for name in modalities)]


def _graph(predictor: Predictor) -> tuple[Graph, tuple[Tensor, ...]]:
    if predictor.device != "cpu":
        raise ExportError("export needs a predictor on the CPU: load it with device='cpu'")
    predictor.need_classes("emorec export")
    return Graph(predictor.run).eval(), _random(predictor, 3)


def _dynamic(example: tuple[Tensor, ...]) -> tuple[Any, ...]:
    windows = torch.export.Dim("windows", min=1, max=1 << 20)
    return tuple({0: windows} for _ in example)


def _random(predictor: Predictor, size: int) -> tuple[Tensor, ...]:
    """Return random windows with all patterns of absence."""
    generator = torch.Generator().manual_seed(size)
    arrays, masks = [], []
    for number, name in enumerate(sorted(predictor.model.standardise)):
        extractor = predictor.extractors[name]
        shape = (size, *extractor.shape)
        if input_dtype(extractor.dtype) is np.uint8:
            array = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        else:
            mean, deviation = (
                getattr(predictor.model.standardise[name], key) for key in ("mean", "deviation")
            )
            array = mean + deviation * torch.randn(shape, generator=generator)
        present = torch.tensor([(row >> number) % 2 == 0 for row in range(size)])
        arrays.append(array.masked_fill(~present.view(-1, *[1] * (array.ndim - 1)), 0))
        masks.append(present)
    return (*arrays, *masks)


def _agree(graph: Graph, inputs: tuple[Tensor, ...], found: Tensor, kind: str) -> None:
    with torch.no_grad():
        expected = graph(*inputs)
    worst = float((found.detach() - expected).abs().max())
    if not worst <= TOLERANCE:
        raise ExportError(
            f"the {kind} model differs from PyTorch's by {worst:.2g}, more than {TOLERANCE:g}; "
            "not written"
        )
