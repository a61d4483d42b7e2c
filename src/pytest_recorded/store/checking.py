"""A cassette that is looked through for damage."""

from __future__ import annotations

from . import sql
from .blobs import spoilt
from .sqlite import CassetteFile

__all__ = ["CheckedFile"]


class CheckedFile(CassetteFile):
    """A cassette, and what is wrong with it as a file."""

    def faults(self) -> list[str]:
        """Return what SQLite finds wrong with the file."""
        return [str(fault) for (fault,) in self._rows(sql.CHECK) if fault != "ok"]

    def streamed(self) -> list[str]:
        """Return the ids of the rows whose answers are in pieces."""
        return [job for (job,) in self._rows(sql.STREAMED)]

    def strays(self) -> list[str]:
        """Return the ids that pieces of answers, or tests, name, and no row has."""
        return [job for (job,) in self._rows(sql.STRAYS)]

    def spoilt(self) -> list[str]:
        """Return the digests of the large texts that are not there as they were kept."""
        with self._using() as connection:
            return list(spoilt(connection))
