"""A file of numbers that several processes count together."""

from __future__ import annotations

from . import sql
from .sqlite import StagingFile

__all__ = ["CountFile"]


class CountFile(StagingFile):
    """Numbers by their names: facts about the file. Adding to one is one step for all processes and threads."""

    def add(self, name: str, amount: int) -> None:
        """Add to a number.

        Raises:
            CassetteError: The file cannot be written.

        """
        self._write(sql.ADD, (name, amount))

    def add_below(self, name: str, amount: int, limit: int) -> bool:
        """Add to a number if it is below a limit; return whether it was.

        Raises:
            CassetteError: The file cannot be written.

        """
        return limit > 0 and self._write(sql.ADD_BELOW, (name, amount, limit)) == 1

    def number(self, name: str) -> int:
        """Return a number; 0 if nothing has been added to it.

        Raises:
            CassetteError: The file cannot be read.

        """
        return int(self.meta(name) or 0)
