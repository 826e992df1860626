"""The figures of docs/common_information.md: ``python docs/figures/common_information.py``.

Everything is drawn from random numbers, in about a minute; no recording is needed.
"""

from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from emorec.figures.plots import save_figure
from emorec.functional import soft_hgr

CLASSES = 6
MOST = (CLASSES - 1) / 2  # the largest S of a feature with a label of six classes
ROWS = (90, 256, 512, 1024)
WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512)


def whitened(x: Tensor) -> Tensor:
    """Return orthonormal columns that span the centred columns of (n, k)."""
    return torch.linalg.qr(x - x.mean(0))[0]


def fitted_s(f: Tensor, g: Tensor) -> float:
    """Return the largest S of linear maps of f and g: half the squared correlations, summed."""
    return float(torch.linalg.svdvals(whitened(f).T @ whitened(g)).square().sum()) / 2


def null(rows: int, width: int) -> float:
    """Return what S can be raised to on pairs that share nothing."""
    if width >= rows:
        return (rows - 1) / 2  # any rows are spanned: all correlations are 1
    random = torch.Generator().manual_seed(rows * 1000 + width)
    f, g = torch.randn(2, rows, width, generator=random, dtype=torch.float64)
    return fitted_s(f, g)


def pairs(rows: int, inputs: int, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Return two standardised inputs (rows, inputs) that share five latent numbers.

    Args:
        rows: Number of pairs.
        inputs: Input values.
        share: Share of each input's variance that is common, 0 to 1.
        seed: Of the drawing.
    """
    random = torch.Generator().manual_seed(seed)
    latent = torch.randn(rows, CLASSES - 1, generator=random)
    sides = []
    for _ in range(2):
        mixing = torch.randn(CLASSES - 1, inputs, generator=random) / (CLASSES - 1) ** 0.5
        noise = torch.randn(rows, inputs, generator=random)
        sides.append(share**0.5 * latent @ mixing + (1 - share) ** 0.5 * noise)
    return sides[0], sides[1]


def course(scale: float, *, share: float = 0.3, steps: int = 400, width: int = 8) -> list[float]:
    """Return S of test pairs after each step of training on S alone.

    Args:
        scale: Deviation of the features at the start.
        share: See :func:`pairs`.
        steps: Steps of gradient descent, of 256 pairs each.
        width: Features of each side.
    """
    torch.manual_seed(0)
    x, y = pairs(4096 + 1024, 40, share, seed=1)
    sides = [nn.Linear(40, width, bias=False) for _ in range(2)]
    for each in sides:
        nn.init.normal_(each.weight, std=scale / 40**0.5)
    optimizer = torch.optim.SGD([p for each in sides for p in each.parameters()], lr=0.05)
    found = []
    for step in range(steps):
        rows = slice(256 * step % 4096, 256 * step % 4096 + 256)
        optimizer.zero_grad()
        (-soft_hgr(sides[0](x[rows]), sides[1](y[rows]))).backward()
        optimizer.step()
        with torch.no_grad():
            found.append(float(soft_hgr(sides[0](x[4096:]), sides[1](y[4096:]))))
    return found


def shared(person: float, *, within: bool, rows: int = 6000) -> tuple[float, float]:
    """Return how well five common features tell the class, and the person, of test pairs.

    Both sides show the class weakly and the person, one of 24, as strongly as said; the features
    are the five strongest canonical directions.

    Args:
        person: Deviation of what the person adds, in units of what the class adds.
        within: Whether both sides are centred within the person first.
        rows: Number of pairs, half of them for fitting.

    Returns:
        Accuracy of the nearest class mean, and of the nearest person's mean.
    """
    random = torch.Generator().manual_seed(3)
    label = torch.randint(0, CLASSES, (rows,), generator=random)
    who = torch.randint(0, 24, (rows,), generator=random)
    sides = []
    for _ in range(2):
        of_class = torch.randn(CLASSES, 30, generator=random, dtype=torch.float64)
        of_person = torch.randn(24, 30, generator=random, dtype=torch.float64)
        noise = 2 * torch.randn(rows, 30, generator=random, dtype=torch.float64)
        x = of_class[label] + person * of_person[who] + noise
        if within:
            for each in range(24):
                x[who == each] -= x[who == each].mean(0)
        sides.append(x)
    half = rows // 2
    bases = [torch.linalg.qr(x[:half] - x[:half].mean(0)) for x in sides]
    u, _, v = torch.linalg.svd(bases[0].Q.T @ bases[1].Q)
    maps = [torch.linalg.solve(b.R, d[:, :5]) for b, d in zip(bases, (u, v.T), strict=True)]
    features = torch.cat([x @ m for x, m in zip(sides, maps, strict=True)], 1)
    return tuple(_nearest(features, of, half) for of in (label, who))  # type: ignore[return-value]


def _nearest(features: Tensor, of: Tensor, half: int) -> float:
    means = torch.stack([features[:half][of[:half] == k].mean(0) for k in range(int(of.max()) + 1)])
    spread = features[:half].std(0)
    found = torch.cdist(features[half:] / spread, means / spread).argmin(1)
    return float((found == of[half:]).double().mean())


def _axes(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    return figure, axes


def draw_null() -> Figure:
    """Draw what S can be raised to on pairs that share nothing, by rows and features."""
    title = "S reached on pairs that share nothing"
    figure, axes = _axes(title, "features k", "S of the best linear maps")
    for rows in ROWS:
        axes.plot(WIDTHS, [null(rows, width) for width in WIDTHS], "o-", ms=3, label=f"n = {rows}")
    axes.axhline(MOST, color="black", ls="--", lw=1, label="all that six classes can share")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    return figure


def draw_saddle() -> Figure:
    """Draw S in training, by the scale of the first features, and by how much inputs share."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for scale in (0.01, 0.1, 0.35, 1.0, 2.0):
        left.plot(course(scale), label=f"deviation {scale:g}")
    left.set_title("by the scale of the first features", fontsize=10)
    left.set_ylim(-4.5, 2)
    for share in (0.3, 0.1, 0.05, 0.02, 0.0):
        right.plot(course(0.05, share=share), label=f"{share:.0%} of an input's variance")
    right.set_title("from small features, by what the inputs share", fontsize=10)
    for axes in (left, right):
        axes.set_xlabel("step")
        axes.set_ylabel("S of test pairs")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def draw_identity() -> Figure:
    """Draw what common features tell, by how strongly both sides show the person."""
    strengths = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0]
    title = "What five common features tell of new pairs"
    figure, axes = _axes(title, "strength of the person, beside the class", "accuracy")
    for within, style in ((False, "-"), (True, "--")):
        found = [shared(each, within=within) for each in strengths]
        words = ", centred within the person" if within else ""
        axes.plot(strengths, [f[0] for f in found], f"C0o{style}", ms=3, label=f"class{words}")
        axes.plot(strengths, [f[1] for f in found], f"C1o{style}", ms=3, label=f"person{words}")
    axes.set_ylim(0, 1)
    axes.legend(fontsize=8)
    return figure


def main(folder: Path = Path(__file__).parent) -> None:
    """Write the figures."""
    for name, draw in (("null", draw_null), ("saddle", draw_saddle), ("identity", draw_identity)):
        save_figure(draw(), folder / f"common_{name}.png")


if __name__ == "__main__":
    main()
