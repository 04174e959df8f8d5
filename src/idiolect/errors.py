"""Every error that Idiolect raises on purpose: what was asked, why not, and the next step."""

from http import HTTPStatus
from typing import ClassVar


class IdiolectError(Exception):
    """The root of the tree. `status` is the HTTP status that a server answers with."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR


class BadInput(IdiolectError):
    """Something that was sent cannot be taken as it is."""

    status = HTTPStatus.BAD_REQUEST


class InvalidUser(BadInput):
    """A user id that is empty, too long or has characters outside the allowed set."""


class UnknownMethod(BadInput):
    """A name that no registry holds."""


class NotAllowed(IdiolectError):
    """Something that the person it is about has not allowed."""

    status = HTTPStatus.FORBIDDEN


class NotFound(IdiolectError):
    """Something named does not exist for this user."""

    status = HTTPStatus.NOT_FOUND


class AnswerNotFound(NotFound):
    """No such answer or candidate for this user; another user's answer looks the same."""


class UnknownModel(NotFound):
    """No model by that name, or its file is not there."""


class SettingsError(IdiolectError):
    """A settings file, variable or argument that cannot be read."""


class MissingExtra(IdiolectError):
    """An optional dependency is not installed; the text names the extra."""


class WeightsError(IdiolectError):
    """Weights are missing, cut short, or have another sha256 than expected."""


class FeatureMismatch(IdiolectError):
    """Arrays made in one version of the preference space met another version."""


class StoreError(IdiolectError):
    """The database cannot be opened, read or written."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class StoreTooNew(StoreError):
    """The database was written by a newer version of Idiolect."""


class ModelError(IdiolectError):
    """A language model failed to answer."""

    status = HTTPStatus.BAD_GATEWAY


class ModelTimeout(ModelError):
    """A language model did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT


class NoStructure(ModelError):
    """A language model did not answer in the form that was asked for."""


class Stopped(ModelError):
    """Whoever asked left before the answers were written."""


class PolicyError(IdiolectError):
    """The boundary's policy file has an error."""


class DataError(BadInput):
    """A data file does not have the documented form."""
