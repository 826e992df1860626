"""Checks for plug-in classes, to be called in a package's tests on its encoders, fusions, ...

Each raises AssertionError naming the broken rule.
"""

import inspect
import pickle
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from emorec.augment import Augmentation
from emorec.data import EmotionDataModule
from emorec.encoders import Encoder, LabelEncoder
from emorec.extractors import Extraction, Extractor
from emorec.fusion import Fusion
from emorec.objectives import Objective
from emorec.system.findings import Finding
from emorec.types import Classes, FeatureBundle, SegmentBatch, Sizes, Values
from emorec.windows import Windows

STEPS = 4  # of the toy target with values


def toy_batch(inputs: dict[str, Tensor], classes: int = 3, dimensions: int = 0) -> SegmentBatch:
    """Return a batch with every kind of row: labelled or not, with or without a modality.

    Args:
        inputs: Modality -> (B, ...), with the same B, at least 4, for all.
        classes: Number of classes of the target ``emotion``.
        dimensions: If not 0, the target is ``affect``: values (B, 4, dimensions), with gaps.
    """
    size = len(next(iter(inputs.values())))
    rows = torch.arange(size)
    name, target = "emotion", rows % classes
    if dimensions:
        name, shape = "affect", (size, STEPS, dimensions)
        target = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        target[0, 1], target[rows % 5 == 4] = torch.nan, torch.nan
    return SegmentBatch(
        inputs=inputs,
        present={name: rows % 4 != i % 4 for i, name in enumerate(sorted(inputs))},
        targets={name: target},
        labelled={name: rows % 5 != 4},
        clip=rows // 2,
        index=rows % 2,
    )


def toy_bundle(sizes: Sizes, batch: SegmentBatch) -> FeatureBundle:
    """Return random features of the given sizes for a batch; they require gradients."""
    generator = torch.Generator().manual_seed(0)
    present = dict(batch.present)
    present["fused"] = torch.stack(list(present.values())).any(0)
    ((target, outputs),) = sizes.outputs.items()
    present["label"] = batch.labelled[target]
    shape = (len(batch), *batch.targets[target].shape[1:-1])  # steps, if any
    features = {
        name: torch.randn(*shape, width, generator=generator, requires_grad=True)
        for name, width in sizes.features.items()
    }
    output = torch.randn(*shape, outputs, generator=generator, requires_grad=True)
    inputs = {name: x.float() for name, x in batch.inputs.items()}
    return FeatureBundle(features, present, output, inputs)


def check_encoder(encoder: Encoder, example: Tensor) -> None:
    """Check an encoder: shape (B, ..., dim), rows independent in eval mode, gradients, state.

    Args:
        encoder: The encoder.
        example: Standardised float input (B, ...), B at least 2.
    """
    encoder.check_weights()
    encoder.load_initial_weights()
    encoder.eval()
    features = encoder(example)
    assert features.shape[0] == len(example), "features must have one row per input"
    width = encoder.dim + sum(encoder.sides.values())
    assert features.shape[-1] == width, "the last axis must have size encoder.dim, and the sides"
    assert features.isfinite().all(), "features must be finite"
    alone = encoder(example[:1])
    assert torch.allclose(alone, features[:1], atol=1e-4), "rows must not mix in eval mode"
    if encoder.has_fixed_part:
        fixed = encoder.fixed(example)
        assert not fixed.requires_grad, "the fixed part must not learn"
        again = encoder.learned(fixed)
        assert torch.allclose(again, features, atol=1e-4), "forward must be learned of fixed"
    encoder.train()
    encoder(example).square().sum().backward()
    has_gradient = [p.grad is not None for p in encoder.parameters() if p.requires_grad]
    assert any(has_gradient), "at least one parameter must get a gradient"
    _check_state(encoder)


def check_label_encoder(encoder: LabelEncoder, classes: int) -> None:
    """Check a label encoder: int64 (B,) to (B, dim), different for different classes."""
    features = encoder(torch.arange(classes))
    assert features.shape == (classes, encoder.dim), "features must have shape (B, dim)"
    assert len(features.unique(dim=0)) == classes, "features of different classes must differ"
    _check_state(encoder)


def check_fusion(fusion: Fusion, sizes: Sizes) -> None:
    """Check a fusion: dim, head, rows without any modality, independence of the key order."""
    batch = toy_batch({name: torch.zeros(8, 1) for name in sizes.features})
    features = {
        name: torch.randn(8, width).masked_fill(~batch.present[name].unsqueeze(1), 0)
        for name, width in sizes.features.items()
    }
    fusion.eval()
    fused = fusion(dict(features), dict(batch.present))
    assert fused.shape == (8, fusion.dim), "the fused feature must have dimension fusion.dim"
    backwards = dict(reversed(list(features.items())))
    same = torch.equal(fused, fusion(backwards, dict(batch.present)))
    assert same, "the order of keys must not matter"
    absent = {name: torch.zeros(8, dtype=torch.bool) for name in features}
    blank = {name: torch.zeros_like(x) for name, x in features.items()}
    assert fusion(blank, absent).isfinite().all(), "rows without any modality must be finite"
    assert fusion.head(4)(fused).shape == (8, 4), "head(outputs) must give that many outputs"
    target = torch.arange(8) % 3 - 1
    for _ in range(2):
        fusion.observe_validation(dict(features), dict(batch.present), target)
    assert isinstance(fusion.fit_on_validation(), bool), "fit_on_validation must return a bool"
    finite = fusion(dict(features), dict(batch.present)).isfinite().all()
    assert finite, "the output must be finite after fit_on_validation"
    _check_state(fusion)


def check_objective(objective: Objective, sizes: Sizes, shape: tuple[int, ...] = (1,)) -> None:
    """Check an objective: a finite scalar with a gradient, zero without a valid row.

    Args:
        objective: The objective.
        sizes: Its sizes; the target is ``emotion``, or ``affect``, which has values.
        shape: Shape of each modality's array per window, for objectives that read it.
    """
    names = [name for name in sizes.features if name not in ("fused", "label")]
    blank = {name: torch.ones(8, *shape) for name in names}
    batch = toy_batch(blank, dimensions=sizes.outputs.get("affect", 0))
    bundle = toy_bundle(sizes, batch)
    objective.set_speakers(torch.tensor([0, 1, 0, -1]))
    classes = {n: torch.full((k,), 2) for n, k in sizes.outputs.items() if n != "affect"}
    objective.set_class_counts(classes)
    loss = objective(bundle, batch)
    assert loss.shape == (), "the loss must be a scalar"
    assert loss.isfinite(), "the loss must be finite"
    loss.backward()
    leaves = [*bundle.features.values(), bundle.output]
    has_gradient = any(leaf.grad is not None and leaf.grad.any() for leaf in leaves)
    assert has_gradient, "the loss must have a gradient"
    scores = objective.scores(bundle)
    assert set(scores) == set(objective.score_names), "score_names must list the keys of scores"
    absent = {name: torch.zeros_like(mask) for name, mask in bundle.present.items()}
    masked = replace(bundle, present=absent)
    unlabelled = {name: torch.zeros_like(mask) for name, mask in batch.labelled.items()}
    empty = SegmentBatch(
        batch.inputs, batch.present, batch.targets, unlabelled, batch.clip, batch.index
    )
    assert objective(masked, empty) == 0, "the loss must be 0 without a valid row"
    if objective.of_epoch:
        _check_epoch(objective, bundle, batch)
    _check_state(objective)


def _check_epoch(objective: Objective, bundle: FeatureBundle, batch: SegmentBatch) -> None:
    losses = []
    for _ in range(2):
        objective.forget()
        with torch.no_grad():
            objective.observe(bundle, batch)
            losses.append(objective.observed())
    assert losses[0].shape == (), "the loss of an epoch must be a scalar"
    assert losses[0].isfinite(), "the loss of an epoch must be finite"
    assert torch.equal(*losses), "forget must drop what was observed"


def check_augmentation(augmentation: Augmentation, example: Tensor) -> None:
    """Check an augmentation: the input is unchanged; rows keep number, shapes and clips.

    Args:
        augmentation: For a modality ``x``, or for any.
        example: Arrays (B, ...) of the modality, B at least 4.
    """
    batch = toy_batch({"x": example.clone(), "y": torch.ones(len(example), 3)})
    for name, mask in batch.present.items():
        batch.inputs[name][~mask] = 0
    before = batch.to("cpu", copy=True)
    augmentation.bind(None, {"emotion": 3})
    changed = augmentation(batch)
    for name, x in batch.inputs.items():
        assert torch.equal(x, before.inputs[name]), "the input batch must not be changed"
        assert changed.inputs[name].shape == x.shape, "arrays must keep their shape"
        assert changed.inputs[name].float().isfinite().all(), "arrays must be finite"
        added = changed.present[name] & ~batch.present[name]
        assert not added.any(), "an absent modality must stay absent"
        assert not changed.inputs[name][~changed.present[name]].any(), "absent rows must be zero"
    assert torch.equal(changed.clip, batch.clip), "rows must keep their clip"
    labelled = changed.labelled["emotion"]
    assert torch.equal(labelled, batch.labelled["emotion"]), "labelled rows must stay labelled"
    _check_state(augmentation)


def check_windows(windows: Windows) -> None:
    """Check windows: sorted by time, a function of id and duration, of the stated length."""
    first = windows("clip", 7.3)
    assert first, "a clip must have at least one window"
    assert first == windows("clip", 7.3), "the same id and duration must give the same windows"
    assert [w.start for w in first] == sorted(w.start for w in first), "windows must be sorted"
    assert all(0 <= w.start < w.end for w in first), "windows must have 0 <= start < end"
    short = windows("clip", 0.01)
    assert all(w.start < 0.01 for w in short), "windows must start within the clip"
    if windows.length is not None:
        lengths = [w.end - w.start for w in (*first, *short)]
        assert np.allclose(lengths, windows.length), "each window must have the stated length"
    again = type(windows)(**windows.arguments())
    assert again("clip", 7.3) == first, "constructor arguments must be stored under their names"


def check_extractor(extractor: Extractor) -> None:
    """Check an extractor: arguments stored as attributes, shape, dtype, constants, pickling."""
    extractor.use("cpu", 1)
    pickle.loads(pickle.dumps(extractor))  # it is sent to worker processes
    arguments = extractor.arguments()
    again = type(extractor)(**arguments)
    assert again.arguments() == arguments, "constructor arguments must be stored under their names"
    assert again.shape == extractor.shape, "equal arguments must give equal shapes"
    blank = np.zeros(extractor.shape, extractor.dtype)
    assert all(axis < blank.ndim for axis in extractor.pooled_axes), "pooled_axes must be axes"
    constants = extractor.constants()
    if constants is not None:
        for values in constants:
            np.broadcast_shapes(values.shape, extractor.shape)


def check_extraction(extractor: Extractor, found: Extraction, windows: int) -> None:
    """Check an extraction: an array or None per window; findings are data, not sentences.

    Args:
        extractor: The extractor.
        found: What its ``extract`` returned.
        windows: Number of windows it was given.
    """
    for arrays in found.persons.values() if found.persons else [found.arrays]:
        assert len(arrays) == windows, "each window must have an array or None"
        for array in arrays:
            assert array is None or array.shape == extractor.shape, "arrays must have the shape"
            assert array is None or array.dtype == extractor.dtype, "arrays must have the dtype"
    for each in found.findings:
        assert isinstance(each, Finding), (
            "findings must be emorec.system.findings.Finding; sentences are made later"
        )
        if each.counts_windows:
            assert each.count is not None, "a finding about windows must have a count"
            assert each.of is not None, "a finding about windows must have a total (of)"
            assert 0 <= each.count <= each.of, "count must be within the number of windows"


def check_datamodule(data: EmotionDataModule) -> None:
    """Check a data module's clips: unique ids, labels within the classes, a stable list."""
    clips = data.checked_clips()
    for form in data.targets.values():
        assert isinstance(form, Classes | Values), "targets must be emorec.types.Classes or Values"
    for clip in clips:
        assert clip.media is not None or clip.sidecars, "a clip must have a file"
        for target, label in clip.labels.items():
            assert target in data.targets, f"clip {clip.id} has a label of unknown target {target}"
            assert isinstance(label, tuple) or 0 <= label < len(data.targets[target])
    assert clips == data.checked_clips(), "the list of clips must be stable"
    options = inspect.signature(type(data)).parameters
    takes_any = any(each.kind == each.VAR_KEYWORD for each in options.values())
    base = {"cache", "split", "seed", "batch_size", "workers"}
    assert takes_any or base <= set(options), "the constructor must accept the base class's options"


def _check_state(module: nn.Module) -> None:
    state = {name: value.clone() for name, value in module.state_dict().items()}
    module.load_state_dict(state)
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
