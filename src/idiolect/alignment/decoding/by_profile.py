"""Decoders that set the model that is told of the person against the one that is not: what they share."""

from abc import ABC, abstractmethod
from typing import ClassVar, Self

from idiolect.generation.encoding.steering import closed
from idiolect.generation.profile_prompt import ProfilePrompt
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.token_values import Unfit
from idiolect.models.protocol import Request


class ByProfile(ABC):
    """Has the profile put into the request; how the two are decoded together is the method's."""

    family: ClassVar[str] = "decoding"
    called: ClassVar[str]

    def __init__(self, profile: ProfilePrompt, unfit: Unfit | None) -> None:
        self.profile = profile
        self.unfit = unfit

    @classmethod
    def open(cls, host: Host) -> Self:
        """For a model that can be opened; with another the request stays as it is."""
        return cls(ProfilePrompt.open(host), closed(host))

    def prepare(self, request: Request, person: Person) -> Prepared:
        """With nothing believed the request is returned unchanged."""
        told = self.profile.prepare(request, person)
        if told.request.messages == request.messages:
            return told
        if self.unfit is not None:
            return Prepared(request, notes=(f"{self.called} was off: {self.unfit.reason}.",))
        return told.then(self._together(request, told.request, person))

    @abstractmethod
    def _together(self, request: Request, told: Request, person: Person) -> Prepared:
        """The request with the profile and without it, in one."""
