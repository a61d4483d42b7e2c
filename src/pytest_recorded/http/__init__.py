"""HTTP seams: where a client library's requests pass the recorder.

One small module per library, each with one function, `patch(module)`. A library is patched when it is loaded, never
imported by us; once patched it stays so, and passes through whatever is made outside of a cassette.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["Seam", "listen"]


class Seam(Protocol):
    """A module of this package."""

    def is_loaded(self, module: ModuleType) -> bool:
        """Return whether the library is there completely, not just being imported."""

    def patch(self, module: ModuleType) -> None:
        """Make the library's requests pass the recorder."""


_SEAMS: Final = {
    "aiohttp": "_aiohttp",
    "httpx": "_httpx",
    "httpx2": "_httpx",
    "urllib3": "_urllib3",
    "urllib3_future": "_urllib3_future",
    "http.client": "_stdlib",
}
_PATCHED: Final = "__recorded_seam__"


def listen() -> None:
    """See to it that requests pass the recorder, whichever client makes them and whenever it is loaded."""
    for name in _SEAMS:
        module = sys.modules.get(name)
        if module is not None:
            _patch(name, module)
    if not any(isinstance(finder, _LateLoading) for finder in sys.meta_path):
        sys.meta_path.insert(0, _LateLoading())


def _patch(name: str, module: ModuleType) -> None:
    if vars(module).get(_PATCHED) is _patch:
        return
    seam: Any = importlib.import_module(f".{_SEAMS[name]}", __name__)
    if seam.is_loaded(module):
        # The mark is on the library and says who has set it: pytester forgets modules, theirs and ours, and loads them
        # anew.
        setattr(module, _PATCHED, _patch)
        seam.patch(module)


class _LateLoading:
    """Patches a library right after it has been imported."""

    def __init__(self) -> None:
        self._inside = threading.local()

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        """Find a library as everybody else would, and look after its loading."""
        if name not in _SEAMS or getattr(self._inside, "searching", False):
            return None
        self._inside.searching = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._inside.searching = False
        loader: Any = spec.loader if spec is not None else None
        if loader is not None:
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                # Once: some loaders serve many modules.
                vars(loader).pop("exec_module", None)
                execute(module)
                _patch(name, module)

            loader.exec_module = exec_module
        return spec
