"""The secrets of a book, kept up with the environment: tests set API keys while they run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .redact import Secrets

if TYPE_CHECKING:
    from .rules import Rules

__all__ = ["Environment"]

# The mapping behind os.environ, in the encoding of the system: equal mappings compare in a quarter of a microsecond,
# which is what looking at the environment for every call may cost.
_raw: Any = getattr(os.environ, "_data", os.environ)


class Environment:
    """Secrets that know the values of secret environment variables, whenever they were set."""

    def __init__(self, rules: Rules) -> None:
        self._secrets = Secrets(rules)
        self._seen: dict[Any, Any] = {}

    def secrets(self) -> Secrets:
        """Return the secrets as of now."""
        if _raw != self._seen:
            self._seen = dict(_raw)
            self._secrets.observe_environment(os.environ)
        return self._secrets
