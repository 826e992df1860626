"""Attention in which one modality looks at its own steps, where the others tell it to."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class QueryAttention(Fusion):
    r"""f + ReLU(W [attention(query f, key another modality, value f), f]), in several layers.

    The fusion of M2FNet (Chudasama et al. 2022, https://arxiv.org/abs/2206.02187) as in public
    re-implementations: the other modality only decides where the query modality looks. First each
    modality passes through transformer layers with a skip around them, x + layer(x). The fused
    feature is [f, mean of the others], the head linear, ReLU, dropout, linear. Ours: the residual
    form of f, one such step for each further modality, and the mean. The paper's own roles of key
    and value, and its sizes, could not be verified.

    The steps are those of sequences (B, T, D); of features (B, D) the rows of the same context,
    which with ``data.context: dialogue`` are the utterances of a dialogue, as in the paper. A row
    by itself is one step, and the attention has nothing to choose: a layer is then a gated
    residual layer on f. In rows without the query modality f is the mean of the others; an absent
    other changes nothing, and its steps are no keys.

    Args:
        sizes: Feature dimensions, given by the task.
        query: The modality that looks; None: the first by name.
        width: Dimension of the steps, a multiple of ``heads``.
        layers: Layers of the fusion (5 in the paper, as recalled).
        heads: Attention heads.
        encoders: Transformer layers of each modality before it.
        dropout: Of attention weights, transformer layers and the head, 0 to below 1.

    Raises:
        UserError: There is no such modality or no other, or a number does not fit.
    """

    def __init__(
        self,
        sizes: Sizes,
        query: str | None = None,
        width: int = 256,
        layers: int = 5,
        heads: int = 4,
        encoders: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(sizes)
        names = sorted(sizes.features)
        self.query = names[0] if query is None else query
        self.others = [name for name in names if name != self.query]
        if self.query not in names or not self.others or layers < 1 or width % heads:
            raise UserError(
                "QueryAttention needs a query modality and another, at least one layer, and a "
                f"width that is a multiple of heads; got query {self.query!r} of "
                f"{', '.join(names)}, layers {layers}, width {width}, heads {heads}"
            )
        self.dim, self.width, self.dropout = 2 * width, width, dropout
        self.relates_rows = True
        self.saw_context: Tensor  # whether it was trained on rows that belong together
        self.register_buffer("saw_context", torch.tensor(False))
        self.project = nn.ModuleDict({n: nn.Linear(sizes.features[n], width) for n in names})
        self.encoders = nn.ModuleDict(
            {
                name: nn.ModuleList(
                    nn.TransformerEncoderLayer(
                        width, heads, 2 * width, dropout, batch_first=True, norm_first=True
                    )
                    for _ in range(encoders)
                )
                for name in names
            }
        )
        self.attend = nn.ModuleList(
            nn.ModuleDict(
                {
                    n: nn.MultiheadAttention(width, heads, dropout, batch_first=True)
                    for n in self.others
                }
            )
            for _ in range(layers)
        )
        self.combine = nn.ModuleList(
            nn.ModuleDict({n: nn.Linear(2 * width, width) for n in self.others})
            for _ in range(layers)
        )

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, 2 x width), each row by itself."""
        return self.related(features, present, None)

    @override
    def related(
        self, features: dict[str, Tensor], present: dict[str, Tensor], context: Tensor | None
    ) -> Tensor:
        r"""Return (B, \*T, 2 x width).

        Raises:
            UserError: The modalities have different numbers of steps.
        """
        single = features[self.query].ndim == 2
        if single and context is not None:
            if self.training:
                self.saw_context.fill_(True)
            # The batch is one sequence, in which rows of other contexts are no keys.
            apart = context.unsqueeze(0) != context.unsqueeze(1)
            rows = {name: x.unsqueeze(0) for name, x in features.items()}
            return self._fused(rows, present, apart).squeeze(0)
        steps = {n: 1 if single else features[n].shape[1] for n in (self.query, *self.others)}
        if len(set(steps.values())) > 1:
            found = ", ".join(f"{name} {count}" for name, count in steps.items())
            raise UserError(
                "QueryAttention takes values of one modality at the keys of another, so all need "
                f"the same number of steps; got {found}"
            )
        given = {n: features[n].unsqueeze(1) if single else features[n] for n in steps}
        fused = self._fused(given, present, None)
        return fused.squeeze(1) if single else fused

    def _fused(
        self, features: dict[str, Tensor], present: dict[str, Tensor], apart: Tensor | None
    ) -> Tensor:
        """Return (B, T, 2 x width).

        Args:
            features: Modality -> (B, T, D).
            present: Modality -> bool, (B,), or (T,) with a batch of one sequence.
            apart: bool (T, T), which steps are no keys of each; None: all are keys of all, and the
                rows of the batch are sequences.
        """
        hidden: dict[str, Tensor | None] = dict.fromkeys(features)
        masks = {n: self.as_mask(present[n], features[n]) for n in features}
        if apart is not None:
            masks = {n: present[n].view(1, -1, 1).to(features[n].dtype) for n in features}
            itself = torch.eye(len(apart), dtype=torch.bool, device=apart.device)
            # A step without any key would be NaN: it sees itself, and is masked where absent.
            hidden = {n: (apart | ~present[n].unsqueeze(0)) & ~itself for n in features}
        own = {
            name: self._encoded(name, x, masks[name], hidden[name]) for name, x in features.items()
        }
        count = torch.stack([masks[n] for n in self.others]).sum(0).clamp(min=1)
        others = torch.stack([own[n] for n in self.others]).sum(0) / count
        f = own[self.query] + (1 - masks[self.query]) * others
        for attend, combine in zip(self.attend, self.combine, strict=True):
            assert isinstance(attend, nn.ModuleDict)
            assert isinstance(combine, nn.ModuleDict)
            for name in self.others:
                keys = own[name]
                seen, _ = attend[name](f, keys, f, need_weights=False, attn_mask=hidden[name])
                f = f + masks[name] * combine[name](torch.cat([seen, f], -1)).relu()
        return torch.cat([f, others], -1)

    def _encoded(self, name: str, x: Tensor, mask: Tensor, hidden: Tensor | None) -> Tensor:
        """Return a modality's steps (B, T, width), zeros where it is absent."""
        steps: Tensor = self.project[name](x)
        layers = self.encoders[name]
        assert isinstance(layers, nn.ModuleList)
        for layer in layers:
            steps = steps + layer(steps, src_mask=hidden)
        return steps * mask

    @override
    def head(self, outputs: int) -> nn.Module:
        """Return linear, ReLU, dropout, linear."""
        return nn.Sequential(
            nn.Linear(self.dim, self.width),
            nn.ReLU(),
            nn.Dropout(self.dropout),
            nn.Linear(self.width, outputs),
        )
