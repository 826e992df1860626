"""Checks for plug-in classes: a package's tests call them on its own encoders, fusions, ...

Each raises AssertionError with the rule that is broken.
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

STEPS = 4  # of toy values


def toy_batch(inputs: dict[str, Tensor], classes: int = 3, dimensions: int = 0) -> SegmentBatch:
    """Return a batch with every kind of row: labelled and not, with and without a modality.

    Args:
        inputs: Modality -> (B, ...), the same B of at least 4.
        classes: Number of classes of the target ``emotion``.
        dimensions: Where given, the target is ``affect``: values (B, 4, dimensions), with gaps.
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
    """Return random features, with gradients, of the given widths for a batch."""
    generator = torch.Generator().manual_seed(0)
    present = dict(batch.present)
    present["fused"] = torch.stack(list(present.values())).any(0)
    ((target, outputs),) = sizes.outputs.items()
    present["label"] = batch.labelled[target]
    shape = (len(batch), *batch.targets[target].shape[1:-1])  # steps, where there are any
    features = {
        name: torch.randn(*shape, width, generator=generator, requires_grad=True)
        for name, width in sizes.features.items()
    }
    output = torch.randn(*shape, outputs, generator=generator, requires_grad=True)
    inputs = {name: x.float() for name, x in batch.inputs.items()}
    return FeatureBundle(features, present, output, inputs)


def check_encoder(encoder: Encoder, example: Tensor) -> None:
    """Check an encoder: shape (B, ..., dim), one row's features its own, gradients, state.

    Args:
        encoder: The encoder.
        example: Standardised float input (B, ...), B of at least 2.
    """
    encoder.check_weights()
    encoder.load_initial_weights()
    encoder.eval()
    features = encoder(example)
    assert features.shape[0] == len(example), "features keep the batch's rows"
    assert features.shape[-1] == encoder.dim, "the last axis is encoder.dim wide"
    assert features.isfinite().all(), "features are finite"
    alone = encoder(example[:1])
    assert torch.allclose(alone, features[:1], atol=1e-4), "in eval mode rows do not mix"
    encoder.train()
    encoder(example).square().sum().backward()
    learned = [p.grad is not None for p in encoder.parameters() if p.requires_grad]
    assert any(learned), "some parameter gets a gradient"
    _check_state(encoder)


def check_label_encoder(encoder: LabelEncoder, classes: int) -> None:
    """Check a label encoder: int64 (B,) to (B, dim), different for different classes."""
    features = encoder(torch.arange(classes))
    assert features.shape == (classes, encoder.dim), "one row of width dim a label"
    assert len(features.unique(dim=0)) == classes, "classes are told apart"
    _check_state(encoder)


def check_fusion(fusion: Fusion, sizes: Sizes) -> None:
    """Check a fusion: width dim, a head, no use of absent rows' values, any order of keys."""
    batch = toy_batch({name: torch.zeros(8, 1) for name in sizes.features})
    features = {
        name: torch.randn(8, width).masked_fill(~batch.present[name].unsqueeze(1), 0)
        for name, width in sizes.features.items()
    }
    fusion.eval()
    fused = fusion(dict(features), dict(batch.present))
    assert fused.shape == (8, fusion.dim), "the fused feature is fusion.dim wide"
    turned = dict(reversed(list(features.items())))
    assert torch.equal(fused, fusion(turned, dict(batch.present))), "the order of keys is nothing"
    nothing = {name: torch.zeros(8, dtype=torch.bool) for name in features}
    blank = {name: torch.zeros_like(x) for name, x in features.items()}
    assert fusion(blank, nothing).isfinite().all(), "a row without any modality is finite"
    assert fusion.head(4)(fused).shape == (8, 4), "head(outputs) gives that many outputs"
    target = torch.arange(8) % 3 - 1
    for _ in range(2):
        fusion.observe_validation(dict(features), dict(batch.present), target)
    assert isinstance(fusion.fit_on_validation(), bool), "fit_on_validation says what it changed"
    assert fusion(dict(features), dict(batch.present)).isfinite().all(), "it is finite after that"
    _check_state(fusion)


def check_objective(objective: Objective, sizes: Sizes, shape: tuple[int, ...] = (1,)) -> None:
    """Check an objective: a finite scalar with a gradient, zero where no row is valid.

    Args:
        objective: The objective.
        sizes: What it was made from; the target is ``emotion``, or ``affect``, one with values.
        shape: Of one window's array of each modality, for objectives that look at it.
    """
    names = [name for name in sizes.features if name not in ("fused", "label")]
    blank = {name: torch.ones(8, *shape) for name in names}
    batch = toy_batch(blank, dimensions=sizes.outputs.get("affect", 0))
    bundle = toy_bundle(sizes, batch)
    objective.set_speakers(torch.tensor([0, 1, 0, -1]))
    classes = {n: torch.full((k,), 2) for n, k in sizes.outputs.items() if n != "affect"}
    objective.set_class_counts(classes)
    loss = objective(bundle, batch)
    assert loss.shape == (), "the loss is a scalar"
    assert loss.isfinite(), "the loss is finite"
    loss.backward()
    leaves = [*bundle.features.values(), bundle.output]
    assert any(leaf.grad is not None and leaf.grad.any() for leaf in leaves), "it has a gradient"
    scores = objective.scores(bundle)
    assert set(scores) == set(objective.score_names), "score_names names what scores returns"
    nothing = {name: torch.zeros_like(mask) for name, mask in bundle.present.items()}
    masked = replace(bundle, present=nothing)
    unlabelled = {name: torch.zeros_like(mask) for name, mask in batch.labelled.items()}
    empty = SegmentBatch(
        batch.inputs, batch.present, batch.targets, unlabelled, batch.clip, batch.index
    )
    assert objective(masked, empty) == 0, "without a valid row the loss is 0"
    if objective.of_epoch:
        _check_epoch(objective, bundle, batch)
    _check_state(objective)


def _check_epoch(objective: Objective, bundle: FeatureBundle, batch: SegmentBatch) -> None:
    found = []
    for _ in range(2):
        objective.forget()
        with torch.no_grad():
            objective.observe(bundle, batch)
            found.append(objective.observed())
    assert found[0].shape == (), "the loss of an epoch is a scalar"
    assert found[0].isfinite(), "the loss of an epoch is finite"
    assert torch.equal(*found), "forget drops what was observed"


def check_augmentation(augmentation: Augmentation, example: Tensor) -> None:
    """Check an augmentation: the given batch stays, rows keep their number, shapes and clips.

    Args:
        augmentation: Of a modality ``x``, or of any.
        example: Arrays (B, ...) of the modality, B of at least 4.
    """
    batch = toy_batch({"x": example.clone(), "y": torch.ones(len(example), 3)})
    for name, mask in batch.present.items():
        batch.inputs[name][~mask] = 0
    before = batch.to("cpu", copy=True)
    augmentation.bind(None, {"emotion": 3})
    changed = augmentation(batch)
    for name, x in batch.inputs.items():
        assert torch.equal(x, before.inputs[name]), "the batch that is given stays as it is"
        assert changed.inputs[name].shape == x.shape, "arrays keep their shape"
        assert changed.inputs[name].float().isfinite().all(), "arrays are finite"
        assert not (changed.present[name] & ~batch.present[name]).any(), "nothing comes to be there"
        assert not changed.inputs[name][~changed.present[name]].any(), "what is absent is zero"
    assert torch.equal(changed.clip, batch.clip), "rows stay those of their clips"
    assert torch.equal(changed.labelled["emotion"], batch.labelled["emotion"]), "labels stay"
    _check_state(augmentation)


def check_windows(windows: Windows) -> None:
    """Check windows: in order of time, decided by id and duration alone, their length as said."""
    first = windows("clip", 7.3)
    assert first, "a clip has at least one window"
    assert first == windows("clip", 7.3), "the same id and duration give the same windows"
    assert [w.start for w in first] == sorted(w.start for w in first), "they are in order of time"
    assert all(0 <= w.start < w.end for w in first), "they begin at 0 or later and have a length"
    short = windows("clip", 0.01)
    assert all(w.start < 0.01 for w in short), "in a short clip they begin within it"
    if windows.length is not None:
        lengths = [w.end - w.start for w in (*first, *short)]
        assert np.allclose(lengths, windows.length), "length is that of each window"
    again = type(windows)(**windows.arguments())
    assert again("clip", 7.3) == first, "constructor arguments are kept under their names"


def check_extractor(extractor: Extractor) -> None:
    """Check an extractor's description: arguments kept as attributes, shape, dtype, constants."""
    extractor.use("cpu", 1)
    pickle.loads(pickle.dumps(extractor))  # it travels to worker processes
    arguments = extractor.arguments()
    again = type(extractor)(**arguments)
    assert again.arguments() == arguments, "constructor arguments are kept under their names"
    assert again.shape == extractor.shape, "equal arguments give equal shapes"
    blank = np.zeros(extractor.shape, extractor.dtype)
    assert all(axis < blank.ndim for axis in extractor.pooled_axes), "pooled_axes are axes"
    constants = extractor.constants()
    if constants is not None:
        for values in constants:
            np.broadcast_shapes(values.shape, extractor.shape)


def check_extraction(extractor: Extractor, found: Extraction, windows: int) -> None:
    """Check what an extractor found: an array or None a window; findings are data, not sentences.

    Args:
        extractor: The extractor.
        found: What its ``extract`` returned.
        windows: How many it was given.
    """
    for arrays in found.persons.values() if found.persons else [found.arrays]:
        assert len(arrays) == windows, "there is an array or None for each window"
        for array in arrays:
            assert array is None or array.shape == extractor.shape, "arrays have the shape"
            assert array is None or array.dtype == extractor.dtype, "arrays have the dtype"
    for each in found.findings:
        assert isinstance(each, Finding), (
            "findings are emorec.system.findings.Finding; words are made later"
        )
        if each.counts_windows:
            assert each.count is not None, "it says how many windows"
            assert each.of is not None, "it says of how many windows"
            assert 0 <= each.count <= each.of, "count is a part of the windows"


def check_datamodule(data: EmotionDataModule) -> None:
    """Check a data module's clips: unique ids, labels within the classes, a stable list."""
    clips = data.checked_clips()
    for form in data.targets.values():
        assert isinstance(form, Classes | Values), "targets are emorec.types.Classes or Values"
    for clip in clips:
        assert clip.media is not None or clip.sidecars, "a clip has a file"
        for target, label in clip.labels.items():
            assert target in data.targets, f"label of an unknown target {target}"
            assert isinstance(label, tuple) or 0 <= label < len(data.targets[target])
    assert clips == data.checked_clips(), "the list of clips is stable"
    options = inspect.signature(type(data)).parameters
    handed_on = any(each.kind == each.VAR_KEYWORD for each in options.values())
    base = {"cache", "split", "seed", "batch_size", "workers"}
    assert handed_on or base <= set(options), "the base's options can be given"


def _check_state(module: nn.Module) -> None:
    state = {name: value.clone() for name, value in module.state_dict().items()}
    module.load_state_dict(state)
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
