"""The policy pi that is trained: a model, what of it may change, and the loss; and how likely it finds answers.

Only what is trained is in its state, so that a checkpoint has the size of a LoRA.
"""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.modules.module import _IncompatibleKeys

from idiolect.alignment.training.inner.rows import Rows
from idiolect.alignment.training.inner.spectrum import Spectrum
from idiolect.alignment.training.inner.users import UserTokens
from idiolect.alignment.training.preference import OBJECTIVES
from idiolect.alignment.training.settings import TrainingSettings
from idiolect.errors import BadInput, WeightsError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

USERS = "users.safetensors"


@dataclass(frozen=True)
class People:
    """That a policy has vectors of."""

    names: tuple[str, ...]
    tokens: int
    clusters: int = 0


class Policy(nn.Module):
    """`network` (a PEFT model where a LoRA is trained), vectors of people where there are some, and a loss."""

    def __init__(
        self,
        network: "PreTrainedModel",
        loss: nn.Module,
        settings: TrainingSettings,
        people: People | None = None,
        objectives: Sequence[str] = (),
        orthonormal: float = 0.0,
    ) -> None:
        """`objectives`: those that a preference can be set for (spectrum.py); `orthonormal` weighs their penalty."""
        super().__init__()
        self.settings, self.people, self.orthonormal = settings, people, orthonormal
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = _opened(network, settings)
            self.users = None if people is None else _vectors(network, people)
            lora = cast("PeftModel", self.network)
            self.spectrum = Spectrum(lora, objectives, settings.rank) if objectives else None
        self.loss = loss
        self.to(network.device)
        trained = {name for name, each in self.named_parameters() if each.requires_grad}
        self._kept = trained | {name for name, _ in self.named_buffers() if name.startswith("loss.")}

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(iter(self.network.parameters())).device

    @property
    def trained(self) -> list[nn.Parameter]:
        """What may change."""
        return [each for each in self.parameters() if each.requires_grad]

    def forward(self, rows: Rows) -> dict[str, Tensor]:
        """The loss of a batch."""
        if self.spectrum is not None:
            rows = rows | {"mix": self.spectrum.draw() if self.training else self.spectrum.mix}
        loss = self.loss(self.nats(rows), rows)
        if self.spectrum is not None and self.orthonormal:
            loss = loss + self.orthonormal * self.spectrum.off_orthonormal()
        return {"loss": loss}

    def train(self, mode: bool = True) -> Self:
        """Or not: then a preference for all objectives alike is set."""
        if self.spectrum is not None and not mode:
            self.spectrum.settle()
        return super().train(mode)

    def nats(self, rows: Rows, *, is_plain: bool = False) -> Tensor:
        """(N, t): log pi of each token of the answers, 0 elsewhere; in float32. `is_plain`: without people."""
        ids, read, answer = rows["ids"], rows["read"], rows["answer"]
        given: dict[str, Tensor] = {"input_ids": ids}
        if self.users is not None and not is_plain:
            words = words_of(self.network)(ids)
            before = self.users(rows["user"]).to(words.dtype)
            given = {"inputs_embeds": torch.cat([before, words], dim=1)}
            read = torch.cat([read.new_ones(len(ids), before.shape[1]), read], dim=1)
        first = int(answer.argmax(-1).min())  # no answer begins before it
        keep = ids.shape[1] - first + 1
        said = self.network(**given, attention_mask=read, use_cache=False, logits_to_keep=keep).logits
        said = said[:, -keep:-1].float()
        each = said.gather(-1, ids[:, first:, None]).squeeze(-1) - said.logsumexp(-1)
        return cast("Tensor", each * answer[:, first:])

    @torch.no_grad()
    def plain(self, rows: Rows) -> Tensor:
        """(N, t): the same of the model as it is. Of one whose every weight is trained: as it is now."""
        with self._without_lora():
            return self.nats(rows, is_plain=True)

    @contextmanager
    def _without_lora(self) -> Iterator[None]:
        if not self.settings.rank:
            yield
            return
        with cast("PeftModel", self.network).disable_adapter():
            yield

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override] # noqa: ANN401 - torch's
        """Of what is trained."""
        found = super().state_dict(*args, **kwargs)
        return {name: found[name] for name in sorted(self._kept)}

    def load_state_dict(self, state_dict: Mapping[str, Any], *_: Any, **__: Any) -> _IncompatibleKeys:  # noqa: ANN401 - torch's own signature
        """Of what is trained, all of it. Raises WeightsError."""
        if set(state_dict) != self._kept:
            odd = ", ".join(sorted(set(state_dict) ^ self._kept)[:3])
            raise WeightsError(f"a checkpoint holds other weights than this training has ({odd}): begin it anew")
        super().load_state_dict(state_dict, strict=False)
        return _IncompatibleKeys([], [])

    def save(self, folder: Path, base: str) -> None:
        """A LoRA in PEFT's form, or all weights in transformers' form; and the vectors of people."""
        with nullcontext() if self.spectrum is None else self.spectrum.baked():
            if self.settings.rank:  # PEFT would look on the hub whether the vocabulary has grown
                cast("PeftModel", self.network).save_pretrained(str(folder), save_embedding_layers=False)
            else:
                self.network.save_pretrained(folder)
        if self.spectrum is not None:
            (folder / OBJECTIVES).write_text(json.dumps(self.spectrum.objectives) + "\n", encoding="utf-8")
        for stray in folder.glob("README.md"):  # PEFT's empty model card
            stray.unlink()
        config = folder / "adapter_config.json"
        if config.is_file():
            said = json.loads(config.read_text(encoding="utf-8")) | {"base_model_name_or_path": base}
            config.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        if self.users is not None and self.people is not None:
            with torch.no_grad():
                numbers = torch.arange(len(self.people.names) + 1, device=self.device)
                vectors = self.users(numbers).cpu().contiguous()
            save_file({"vectors": vectors}, folder / USERS, metadata={"people": json.dumps(self.people.names)})


def words_of(network: "PreTrainedModel") -> nn.Embedding:
    """The vectors of the vocabulary."""
    return cast("nn.Embedding", network.get_input_embeddings())


def _opened(network: "PreTrainedModel", settings: TrainingSettings) -> "PreTrainedModel":
    if not settings.rank:
        return cast("PreTrainedModel", network.float().requires_grad_(requires_grad=True))
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=list(settings.modules),
        task_type="CAUSAL_LM",
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers by a name that will go
            return get_peft_model(network, config)  # type: ignore[return-value] # it answers to the same calls
    except ValueError as wrong:
        raise BadInput(f"this model has no matrices named {', '.join(settings.modules)}: {wrong}") from wrong


def _vectors(network: "PreTrainedModel", people: People) -> UserTokens:
    words = words_of(network).weight.detach().float().cpu()
    drawn = torch.randint(len(words), (max(people.clusters, 1), people.tokens))
    return UserTokens(len(people.names), people.tokens, people.clusters, words[drawn])
