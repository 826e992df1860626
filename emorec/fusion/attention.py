"""Cross-modal attention: each modality asks the others."""

import torch
from torch import Tensor, nn

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class CrossModalAttention(Fusion):
    """Each modality attends to all others; the results are concatenated and projected.

    One layer of the directional cross-modal attention of Tsai et al. 2019 (MulT,
    https://arxiv.org/abs/1906.00295), as M2FNet (Chudasama et al. 2022) uses it with a query
    modality. Features (B, D) are one token each; sequences (B, T, D) are T. Absent tokens are
    masked as keys and give zeros as queries; who has nobody to ask keeps its own feature.

    Args:
        sizes: Widths, given by the task.
        width: Units of a token, a multiple of ``heads``, and of the fused feature.
        heads: Attention heads.
        dropout: Of the attention weights, 0 to 1.
    """

    def __init__(
        self, sizes: Sizes, width: int = 256, heads: int = 4, dropout: float = 0.1
    ) -> None:
        super().__init__(sizes)
        self.names = sorted(sizes.features)
        if width % heads or len(self.names) < 2:
            raise UserError(
                f"cross-modal attention needs two modalities and a width ({width}) that is a "
                f"multiple of heads ({heads}); the modalities are {', '.join(self.names)}"
            )
        self.dim = width
        self.project = nn.ModuleDict(
            {name: nn.Linear(sizes.features[name], width) for name in self.names}
        )
        self.attend = nn.ModuleDict(
            {
                # A key of zeros: a softmax over nothing else is no division by zero.
                name: nn.MultiheadAttention(
                    width, heads, dropout, batch_first=True, add_zero_attn=True
                )
                for name in self.names
            }
        )
        self.norms = nn.ModuleDict({name: nn.LayerNorm(width) for name in self.names})
        self.last = nn.Linear(width * len(self.names), width)

    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, width); see the base class."""
        single = features[self.names[0]].ndim == 2
        tokens = {}
        for name in self.names:
            x = features[name].unsqueeze(1) if single else features[name]
            tokens[name] = self.project[name](x) * self.there(present[name], x)
        asked = [self._ask(name, tokens, present) for name in self.names]
        fused: Tensor = self.last(torch.cat(asked, -1)).relu()
        return fused.squeeze(1) if single else fused

    def _ask(self, name: str, tokens: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        others = [n for n in self.names if n != name]
        keys = torch.cat([tokens[n] for n in others], 1)
        absent = [(~present[n]).unsqueeze(1).expand(-1, tokens[n].shape[1]) for n in others]
        query = tokens[name]
        answer, _ = self.attend[name](
            query, keys, keys, key_padding_mask=torch.cat(absent, 1), need_weights=False
        )
        asked: Tensor = self.norms[name](query + answer)
        return asked * self.there(present[name], asked)
