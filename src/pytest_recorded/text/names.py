"""What the file of a test is called in an exported folder.

The law of this file: a name is a plain file name on every system, whatever the test is called, and no two tests of a
cassette have one that any file system takes for the same. It is readable, and has a digest at its end only where it
would not be unique: where two tests differ in letters that a name cannot have, or in upper and lower case, or a name is
cut because it is long.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from .format import HEADER_FILE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["SUFFIX", "file_names", "possible_names"]

#: What the name of each file ends with.
SUFFIX: Final = ".json"

_SHARED: Final = "shared"
_NAMELESS: Final = "test"
# Many file systems take 255 bytes, some of those that encrypt 143, and folders count too where a path has its limit.
_LONGEST: Final = 100
_DIGEST_BYTES: Final = (4, 16)
_DIGEST: Final = re.compile("-([0-9a-f]{8}|[0-9a-f]{32})$")
_OTHERS: Final = re.compile(r"[^\w.]+")
# Names of devices, whatever follows a dot.
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def file_names(scopes: Collection[str]) -> dict[str, str]:
    """Return the name of the file of each test; `""` is what all tests share."""
    taken = Counter(_folded(_stem(scope)) for scope in scopes)
    taken[_folded(HEADER_FILE.removesuffix(SUFFIX))] += 1
    for size in _DIGEST_BYTES:
        names = {scope: _name(scope, size if _needs_digest(scope, taken) else 0) for scope in scopes}
        if len(set(map(_folded, names.values()))) == len(names):
            break
    return names


def possible_names(scope: str) -> Iterable[str]:
    """Return the names that the file of a test may have, as others are there or not."""
    return (_name(scope, size) for size in (0, *_DIGEST_BYTES))


def _needs_digest(scope: str, taken: Counter[str]) -> bool:
    stem = _stem(scope)
    return taken[_folded(stem)] > 1 or len(stem.encode()) > _LONGEST or _DIGEST.search(stem) is not None


def _name(scope: str, digest_bytes: int) -> str:
    stem = _stem(scope).encode()[:_LONGEST].decode(errors="ignore").rstrip("-.")
    digest = blake2b(scope.encode(errors="surrogatepass"), digest_size=digest_bytes).hexdigest() if digest_bytes else ""
    return f"{stem}{'-' if digest else ''}{digest}{SUFFIX}"


def _stem(scope: str) -> str:
    """Return the name of a test in letters, digits, dots, underscores and hyphens, as `tests-test_shop.py-test_a`."""
    stem = _OTHERS.sub("-", unicodedata.normalize("NFKC", scope)).strip("-.") if scope else _SHARED
    return f"_{stem}" if _RESERVED.match(stem) else stem or _NAMELESS


def _folded(name: str) -> str:
    """Return what a file system may take a name for."""
    return unicodedata.normalize("NFKC", name.casefold())
