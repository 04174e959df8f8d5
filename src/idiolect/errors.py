"""Every error that Idiolect raises on purpose: what was asked, why not, and the next step."""

from http import HTTPStatus
from typing import ClassVar


class IdiolectError(Exception):
    """The root of the tree. `status` is the HTTP status that a server answers with."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    retry_after_s: float | None = None  # when it is worth asking again, where that is known


class BadInput(IdiolectError):
    """Something that was sent cannot be taken as it is."""

    status = HTTPStatus.BAD_REQUEST


class IdempotencyConflict(BadInput):
    """A key of idempotency that was used for something else."""

    status = HTTPStatus.CONFLICT


class InvalidUser(BadInput):
    """A user id that is empty, too long or has characters outside the allowed set."""


class UnknownMethod(BadInput):
    """A name that no registry holds."""


class NotAllowed(IdiolectError):
    """Something that the person it is about has not allowed."""

    status = HTTPStatus.FORBIDDEN


class InvalidApiKey(IdiolectError):
    """No key, or one that does not open: unknown, misspelt, expired or revoked. Which of them is not told."""

    status = HTTPStatus.UNAUTHORIZED


class InsufficientScope(NotAllowed):
    """A key that does not open this door."""


class RateLimitExceeded(IdiolectError):
    """More requests in a minute than a key may make."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class InsufficientQuota(RateLimitExceeded):
    """A key that has spent what it may spend in a month."""


class NotFound(IdiolectError):
    """Something named does not exist for this user."""

    status = HTTPStatus.NOT_FOUND


class AnswerNotFound(NotFound):
    """No such answer or candidate for this user; another user's answer looks the same."""


class PersonNotFound(NotFound):
    """Nobody of this name may be asked for here: another tenant's person, or not the one a key is for."""


class KeyNotFound(NotFound):
    """No key has this id."""


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


class ModelBusy(ModelError):
    """A language model's endpoint takes no more requests just now."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class ModelUnavailable(ModelError):
    """A language model's endpoint failed so often that it is left alone for a while."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ModelTimeout(ModelError):
    """A language model did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT


class Diverged(ModelError):
    """A training's numbers are no numbers any more; what was kept before is still good."""


class NoStructure(ModelError):
    """A language model did not answer in the form that was asked for."""


class Stopped(ModelError):
    """Whoever asked left before the answers were written."""


class PolicyError(IdiolectError):
    """The boundary's policy file has an error."""


class DataError(BadInput):
    """A data file does not have the documented form."""
