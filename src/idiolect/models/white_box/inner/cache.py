"""Keys and values of what was read: of rows that decode side by side, and of prompts that may come again."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias, cast

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicLayer

Prompt: TypeAlias = list[tuple[Tensor, Tensor]]  # of each layer, keys and values (heads, T, head width)
ROOM = 128  # tokens by which a full buffer grows: growing by one would copy all of it at every token


class _Room(DynamicLayer):
    """A layer's keys and values in a buffer with room for the next tokens."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # it has no types
        self.lazy_initialization(keys, values)
        self.length = keys.shape[-2]
        self._keys, self._values = (pad(each, (0, 0, 0, ROOM)) for each in (keys, values))
        self.keys, self.values = self.view()

    def view(self) -> tuple[Tensor, Tensor]:
        """What was read so far, (R, heads, length, width) each."""
        return self._keys[..., : self.length, :], self._values[..., : self.length, :]

    def update(self, key_states: Tensor, value_states: Tensor, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Write the next tokens' (R, heads, t, width) behind the others."""
        end = self.length + key_states.shape[-2]
        if end > self._keys.shape[-2]:
            more = (0, 0, 0, end - self._keys.shape[-2] + ROOM)
            self._keys, self._values = pad(self._keys, more), pad(self._values, more)
        self._keys[..., self.length : end, :] = key_states
        self._values[..., self.length : end, :] = value_states
        self.length = end
        self.keys, self.values = self.view()
        return self.view()


class RowsCache:
    """The caches of rows of different length, padded on the left to one length."""

    def __init__(self) -> None:
        self.starts: list[int] = []  # of each row, the padding before it
        self._layers: list[_Room] = []
        self.cache: Cache | None = None  # of the same layers, in the form that the model takes

    @property
    def length(self) -> int:
        """Tokens, padding included."""
        return self._layers[0].length if self._layers else 0

    def mask(self, device: torch.device, more: int = 1) -> Tensor:
        """(R, length + more): one where a row may look."""
        at = torch.arange(self.length + more, device=device)
        return (at[None] >= torch.tensor(self.starts, device=device)[:, None]).long()

    def positions(self, device: torch.device) -> Tensor:
        """(R, 1): where each row's next token stands."""
        return torch.tensor([[self.length - start] for start in self.starts], device=device)

    def join(self, prompts: Sequence[Prompt]) -> None:
        """Add a row for each."""
        lengths = [prompt[0][0].shape[-2] for prompt in prompts]
        longest = max([self.length, *lengths])
        shift = longest - self.length
        layers = []
        for index in range(len(prompts[0])):
            had = [layer.view() for layer in self._layers[index : index + 1]]
            keys = [pad(each, (0, 0, shift, 0)) for each, _ in had]
            values = [pad(each, (0, 0, shift, 0)) for _, each in had]
            for prompt, length in zip(prompts, lengths, strict=True):
                key, value = (pad(each[None], (0, 0, longest - length, 0)) for each in prompt[index])
                keys.append(key)
                values.append(value)
            layers.append(_Room(torch.cat(keys), torch.cat(values)))
        self._hold(layers)
        self.starts = [start + shift for start in self.starts] + [longest - length for length in lengths]

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the other rows, and the padding that nobody needs any more."""
        at = list(rows)
        least = min((self.starts[row] for row in rows), default=0)
        shown = (layer.view() for layer in self._layers)
        self._hold(
            [_Room(keys[at][..., least:, :], values[at][..., least:, :]) for keys, values in shown] if at else []
        )
        self.starts = [self.starts[row] - least for row in rows]

    def _hold(self, layers: Sequence[_Room]) -> None:
        self._layers = list(layers)
        self.cache = Cache(layers=list(layers)) if layers else None


class Prefixes:
    """Prompts that were read, up to a number of bytes; the one longest unused goes first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[tuple[str, tuple[int, ...]], Prompt] = OrderedDict()
        self._bytes = 0

    def longest(self, key: str, ids: Sequence[int]) -> Prompt | None:
        """What is known of the beginning of a prompt, at most all but its last token. `key` names what shapes it."""
        best, found = 0, None
        for known in self._kept:
            common = _common(known[1], ids) if known[0] == key else 0
            if common > best:
                best, found = common, known
        if found is None:
            return None
        self._kept.move_to_end(found)
        return [(keys[:, :best], values[:, :best]) for keys, values in self._kept[found]]

    def keep(self, key: str, ids: Sequence[int], prompt: Prompt) -> None:
        """Remember a prompt; one that is the beginning of it is not needed any more."""
        for known in [each for each in self._kept if each[0] == key and tuple(ids[: len(each[1])]) == each[1]]:
            self._drop(known)
        self._kept[key, tuple(ids)] = prompt
        self._bytes += _bytes(prompt)
        while self._bytes > self._limit and self._kept:
            self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._bytes = 0

    def _drop(self, known: tuple[str, tuple[int, ...]]) -> None:
        self._bytes -= _bytes(self._kept.pop(known))


def of_cache(cache: Cache) -> Prompt:
    """The keys and values of one row that was read."""
    layers = cast("list[DynamicLayer]", cache.layers)  # that they are full attention is checked at loading
    return [(cast("Tensor", layer.keys)[0], cast("Tensor", layer.values)[0]) for layer in layers]


def _bytes(prompt: Prompt) -> int:
    return sum(each.numel() * each.element_size() for layer in prompt for each in layer)


def _common(known: Sequence[int], ids: Sequence[int]) -> int:
    """Tokens that two prompts begin with, at most all but the last of the second."""
    limit = min(len(known), len(ids) - 1)
    for at in range(limit):
        if known[at] != ids[at]:
            return at
    return limit
