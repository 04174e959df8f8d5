"""Tenants: organisations that share a server and know nothing of each other's people.

A person of a tenant is kept under one id, `TENANT::USER`, so that everything that is kept by a person's id (events,
beliefs, caches, adapters, erasures) is parted by tenant without knowing of tenants. People of the default tenant have
their bare ids, as every person had before there were tenants.
"""

from dataclasses import dataclass

from idiolect.errors import PersonNotFound
from idiolect.schema import OF_TENANT

DEFAULT_TENANT = "default"
SOMEBODY = "default"  # who is spoken to where nobody is named
TENANT_NAME = r"^[a-z0-9][a-z0-9-]{0,30}$"


@dataclass(frozen=True)
class Tenant:
    """Who may be named: the people of one tenant, or `only` one of them."""

    name: str = DEFAULT_TENANT
    only: str | None = None

    def full(self, user: str) -> str:
        """The id in the store of somebody as the tenant calls them. Raises PersonNotFound for anybody else.

        An id that stands in the store already, and is the tenant's, stays as it is.
        """
        bare = user.removeprefix(self._prefix)
        if OF_TENANT in bare:
            raise PersonNotFound(f"there is no {user[:80]!r} here: name one of your own people")
        if self.only is not None and bare not in (self.only, SOMEBODY):
            raise PersonNotFound(f"there is no {user[:80]!r} here: this key is for one person alone")
        return self._prefix + (self.only or bare)

    def has(self, full: str) -> bool:
        """Whether an id in the store is that of somebody who may be named."""
        bare = full.removeprefix(self._prefix)
        is_own = full.startswith(self._prefix) and OF_TENANT not in bare
        return is_own and (self.only is None or bare == self.only)

    @property
    def _prefix(self) -> str:
        return "" if self.name == DEFAULT_TENANT else f"{self.name}{OF_TENANT}"
