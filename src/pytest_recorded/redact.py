"""Secrets, found in text and replaced before it reaches a disk or a key.

The law of this file: every text on its way into a file passes `Secrets.hide` (what was asked) or a `Mask` (what was
answered). A secret is known by the name of its field, by its place in a URL or after `Bearer`, or by its value: a
value once found is replaced wherever else it appears. It works on text, so that bodies stay byte-exact around it.

What was hidden in a request becomes `redacted`. What was masked in an answer becomes a numbered placeholder, which is
also put into later requests of the scope: a job token from one answer is found again in the next URL, recorded or
replayed. A placeholder is never a secret itself, or a replay would hide what the recording had not.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from .known import PLACEHOLDER, REDACTED, Known
from .named import LONG, SHORT, Names, decoded_pair, find_secrets, is_credential
from .rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["REDACTED", "Edit", "Mask", "Secrets", "edited", "is_credential"]

_CREDENTIAL_HEADER: Final = re.compile(r"auth|cookie|token|secret|key|session|credential|signature|pass", re.IGNORECASE)
_ACCOUNT_HEADER: Final = re.compile(
    r"organization|project|account|tenant|user-?id|customer|session|token(?!s|-count)|secret|api-?key|authorization",
    re.IGNORECASE,
)
_VARIABLE: Final = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(PLACEHOLDER)
_PAIR: Final = re.compile(r"[\w.-]+=(?P<value>[^=].*)", re.DOTALL)
_NUMBER: Final = re.compile(r"-?\d[\d.eE+-]*")
_STRUCTURE: Final = frozenset("-0123456789{[")
_NO_UUID: Final = "00000000-0000-0000-0000-000000000000"
_NO_SECRETS: Final = frozenset({"", "true", "false", "null"})


class Edit(NamedTuple):
    """One replacement in a text: what went from where to where, and what came."""

    start: int
    end: int
    instead: str


_names_for = lru_cache(maxsize=64)(Names)


class Secrets:
    """The secrets of one scope: the rules, and the values met so far."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self._names = _names_for(self.rules.names)
        self._known = Known()
        self._runs = self._known.runs
        self._hinted = self._names.hinted

    def observe_environment(self, environment: Mapping[str, str]) -> None:
        """Learn the values of variables named `…_KEY`, `…_TOKEN`, `…_SECRET`, `…_PASSWORD`, and of declared ones."""
        for name, raw in environment.items():
            value = raw.strip()
            # A key in PEM has lines, a passphrase has words: here a secret need not be one word.
            if name in self.rules.variables or (_VARIABLE.search(name) and is_credential("".join(value.split()))):
                self.learn(value)

    def observe_header(self, name: str, value: str) -> None:
        """Learn what a header that is not stored carries, so that an echo of it is not stored either."""
        if self._names.declares(name):
            self.learn(value.strip())
        if not _CREDENTIAL_HEADER.search(name):
            return
        if "authorization" in name.lower():
            # `Bearer`, `AWS4-HMAC-SHA256`: the scheme is no secret.
            value = value.strip().partition(" ")[2] or value
        for part in re.split(r"[;,\s]\s*", value):
            pair = _PAIR.fullmatch(part)
            token = (pair["value"] if pair else part).strip("\"'")
            for secret in (token, *decoded_pair(token)):
                if is_credential(secret, SHORT):
                    self.learn(secret)

    def learn(self, value: str, placeholder: str = REDACTED) -> str:
        """Remember a secret value; return what stands for it from now on."""
        if value in _NO_SECRETS or _PLACEHOLDER.search(value):
            return REDACTED
        return self._known.add(value, placeholder)

    @property
    def learned(self) -> int:
        """How many values are known to be secret."""
        return len(self._known)

    def is_secret_name(self, name: str) -> bool:
        """Return whether a field of this name always holds a secret."""
        return self._names.always(name)

    def hide(self, text: str, *, form: bool = False) -> str:
        """Return a request, a key or a message without its secrets. `form`: the text is a URL-encoded form."""
        return self.scrub("&" + text, self._hidden)[1:] if form else self.scrub(text, self._hidden)

    def _hidden(self, value: str) -> str:
        # What is short or looks like a word stands elsewhere for something else.
        return self.learn(value) if is_credential(value, SHORT) else REDACTED

    def scrub(self, text: str, stand_in: Callable[[str], str], edits: list[list[Edit]] | None = None) -> str:
        """Return a text without its secrets.

        Args:
            text: The text.
            stand_in: Returns what replaces a secret that is met for the first time.
            edits: If given, it gets a list of the replacements of each pass over the text.

        """
        if self._runs:
            text = self._scrub_known(text, edits)
        lowered = text.lower()
        if len(lowered) != len(text):
            # A few letters have longer small forms; positions have to stay comparable.
            lowered = "".join(char.lower() if char.isascii() else char for char in text)
        if not self._hinted(lowered):
            return text
        new = []
        for start, end, value in find_secrets(text, lowered, self._names):
            if not _PLACEHOLDER.fullmatch(text, start, end):
                new.append(Edit(start, end, _fitting(text, start, end, stand_in(value)) if value else "0"))
        if not new:
            return text
        # What was found by its name may stand elsewhere in the same text without one.
        return self._scrub_known(_noted(text, new, edits), edits)

    def _scrub_known(self, text: str, edits: list[list[Edit]] | None) -> str:
        found = self._known.find(text)
        if not found:
            return text
        standing = self._known.placeholder
        new = [Edit(start, end, _fitting(text, start, end, standing(value))) for start, end, value in found]
        return _noted(text, new, edits)

    def scrub_bytes(self, content: bytes, edits: list[list[Edit]] | None = None) -> bytes:
        """Return bytes that are no text without known secrets: names of fields mean nothing in them."""
        text = content.decode("latin-1")
        new = [
            Edit(start, end, self._known.placeholder(value))
            for start, end, value in self._known.find(text, tokens=False)
        ]
        return _noted(text, new, edits).encode("latin-1") if new else content


class Mask:
    """Hides the secrets of one answer behind placeholders that are numbered within a tag.

    Args:
        secrets: The secrets of the scope.
        tag: Returns what marks the answer's placeholders, six hex digits; asked for when there is one.

    """

    def __init__(self, secrets: Secrets, tag: Callable[[], str]) -> None:
        self._secrets = secrets
        self._tag = tag
        self._count = 0

    def text(self, text: str, edits: list[list[Edit]] | None = None) -> str:
        """Return a text of the answer without its secrets; for `edits` see `Secrets.scrub`."""
        return self._secrets.scrub(text, self._numbered, edits)

    def bytes(self, content: bytes, edits: list[list[Edit]] | None = None) -> bytes:
        """Return bytes of the answer that are no text without its secrets."""
        return self._secrets.scrub_bytes(content, edits)

    def value(self, value: str) -> str:
        """Return what stands for a value that is a secret as a whole."""
        return value if not value or _PLACEHOLDER.fullmatch(value) else self._numbered(value)

    def header(self, name: str, value: str) -> str:
        """Return what is stored of a header's value."""
        if name.lower() == "set-cookie":
            cookie, semicolon, attributes = value.partition(";")
            key, equals, secret = cookie.partition("=")
            return key + equals + self.value(secret) + semicolon + attributes
        if _ACCOUNT_HEADER.search(name) or self._secrets.is_secret_name(name):
            return self.value(value)
        return self.text(value)

    def _numbered(self, value: str) -> str:
        if any(map(str.isspace, value)) or not (len(value) >= LONG or is_credential(value, SHORT)):
            # A word, a number or a sentence: what looks the same elsewhere means something else.
            return REDACTED
        new = f"{REDACTED}-{self._tag()}-{self._count + 1}"
        placeholder = self._secrets.learn(value, new)
        self._count += placeholder == new
        return placeholder


def _noted(text: str, new: list[Edit], edits: list[list[Edit]] | None) -> str:
    if edits is not None:
        edits.append(new)
    return edited(text, new)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text after some edits, which are in its order."""
    pieces, done = [], 0
    for start, end, instead in edits:
        pieces += [text[done:start], instead]
        done = end
    return "".join((*pieces, text[done:]))


def _fitting(text: str, start: int, end: int, placeholder: str) -> str:
    """Return a placeholder as it fits into its place: JSON has to stay JSON, a tagged value readable."""
    if text.startswith('"', start - 1) and start:
        if text.endswith('"py:uuid":"', 0, start):
            return _NO_UUID
        if text.endswith(('"py:bytes":"', '"py:bytearray":"'), 0, start):
            return base64.b64encode(placeholder.encode()).decode()
        return placeholder
    if text[start] in _STRUCTURE and _stands_alone(text, start, end):
        return "0" if _NUMBER.fullmatch(text, start, end) else f'"{placeholder}"'
    return placeholder


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether what is here may be a value of JSON: a number, a list, an object."""
    if not (_NUMBER.fullmatch(text, start, end) or text[start] in "{["):
        return False
    while start > 0 and text[start - 1].isspace():
        start -= 1
    while end < len(text) and text[end].isspace():
        end += 1
    return text[max(0, start - 1) : start] in ("", ":", ",", "[") and text[end : end + 1] in ("", ",", "]", "}")
