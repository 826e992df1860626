"""Cross-modal attention: each modality attends to the others."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class CrossModalAttention(Fusion):
    """Each modality attends to all others; the results are concatenated and projected.

    One layer of the directional cross-modal attention of Tsai et al. 2019 (MulT,
    https://arxiv.org/abs/1906.00295), as M2FNet (Chudasama et al. 2022) uses it with a query
    modality. Features (B, D) are one token each; sequences (B, T, D) are T. Absent tokens are
    masked as keys and zero as queries; a modality without any other keeps its own feature.

    Args:
        sizes: Feature dimensions, given by the task.
        width: Dimension of the tokens, a multiple of ``heads``, and of the fused feature.
        heads: Attention heads.
        dropout: Dropout of the attention weights, 0 to 1.
    """

    def __init__(
        self, sizes: Sizes, width: int = 256, heads: int = 4, dropout: float = 0.1
    ) -> None:
        super().__init__(sizes)
        self.names = sorted(sizes.features)
        if width % heads or len(self.names) < 2:
            raise UserError(
                f"cross-modal attention needs two modalities and a width that is a multiple of "
                f"heads; got width {width}, heads {heads}, modalities {', '.join(self.names)}"
            )
        self.dim = width
        self.project = nn.ModuleDict(
            {name: nn.Linear(sizes.features[name], width) for name in self.names}
        )
        self.attend = nn.ModuleDict(
            {
                # The added key of zeros keeps a softmax without other keys from being NaN.
                name: nn.MultiheadAttention(
                    width, heads, dropout, batch_first=True, add_zero_attn=True
                )
                for name in self.names
            }
        )
        self.norms = nn.ModuleDict({name: nn.LayerNorm(width) for name in self.names})
        self.last = nn.Linear(width * len(self.names), width)

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        single = features[self.names[0]].ndim == 2
        tokens = {}
        for name in self.names:
            x = features[name].unsqueeze(1) if single else features[name]
            tokens[name] = self.project[name](x) * self.as_mask(present[name], x)
        attended = [self._attend(name, tokens, present) for name in self.names]
        fused: Tensor = self.last(torch.cat(attended, -1)).relu()
        return fused.squeeze(1) if single else fused

    def _attend(self, name: str, tokens: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        others = [n for n in self.names if n != name]
        keys = torch.cat([tokens[n] for n in others], 1)
        absent = [(~present[n]).unsqueeze(1).expand(-1, tokens[n].shape[1]) for n in others]
        query = tokens[name]
        change, _ = self.attend[name](
            query, keys, keys, key_padding_mask=torch.cat(absent, 1), need_weights=False
        )
        attended: Tensor = self.norms[name](query + change)
        return attended * self.as_mask(present[name], attended)
