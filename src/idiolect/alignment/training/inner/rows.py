"""Items as tensors."""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.utils.data import Dataset

from idiolect.alignment.training.items import Item, Said

Rows: TypeAlias = dict[str, Tensor]
"""ids, read, answer (N, L) and user, plain (N,) by row; weight, group, margin (n,) and odds (n, m) by item.

N = n times the answers of an item, the answers of one item side by side. `plain` are the nats of each answer under the
model as it is.
"""


class Items(Dataset[tuple[Item, Sequence[float]]]):
    """Items, each with its answers' nats under the model as it is."""

    def __init__(self, items: Sequence[Item], plain: Sequence[Sequence[float]]) -> None:
        self.items, self.plain = items, plain

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: int) -> tuple[Item, Sequence[float]]:
        return self.items[at], self.plain[at]


def collated(found: Sequence[tuple[Item, Sequence[float]]]) -> dict[str, Rows]:
    """A batch, as a policy takes it."""
    items = [item for item, _ in found]
    rows = padded([said for item in items for said in item.said])
    rows["plain"] = torch.tensor([nats for _, plain in found for nats in plain], dtype=torch.float32)
    rows["weight"] = torch.tensor([item.weight for item in items], dtype=torch.float32)
    rows["group"] = torch.tensor([item.group for item in items])
    rows["margin"] = torch.tensor([item.margin for item in items], dtype=torch.float32)
    rows["odds"] = torch.tensor([item.odds for item in items], dtype=torch.float32)
    return {"rows": rows}


def padded(said: Sequence[Said]) -> Rows:
    """Rows of one length, padded at their ends."""
    longest = max(each.tokens for each in said)
    ids = torch.zeros(len(said), longest, dtype=torch.long)
    read, answer = torch.zeros_like(ids), torch.zeros_like(ids)
    for at, each in enumerate(said):
        ids[at, : each.tokens] = torch.tensor([*each.prompt, *each.answer])
        read[at, : each.tokens] = 1
        answer[at, len(each.prompt) : each.tokens] = 1
    return {"ids": ids, "read": read, "answer": answer, "user": torch.tensor([each.user for each in said])}
