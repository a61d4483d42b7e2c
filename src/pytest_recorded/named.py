r"""Where a text has secrets that nobody has met yet: known by the name of their field, or by their place.

A field may stand in a text in many ways: `?password=…`, `"password": "…"`, the same in JSON inside JSON with its quotes
escaped, `'password': '…'` as Python writes it, `password%3D…` in a URL inside a URL, `<Password>…</Password>`. A place
is the user's part of a URL, or what follows `Bearer` and `Basic`.

The law of this file: every stretch of a text is looked at a fixed number of times, whatever is in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote_plus, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONG", "SHORT", "Names", "Secret", "decoded_pair", "find_secrets", "is_credential"]

LONG: Final = 16
SHORT: Final = 8

# Names whose value is always a secret; a prefix (`openai_api_key`, `x-api-key`) makes no difference.
_ALWAYS: Final = re.compile(
    r"""[\w.-]*?(?:
        pass(?:word|wd|phrase)
      | client[_-]?secret
      | client[_-]?assertion
      | api[_-]?key
      | (?:access|refresh|id|auth|session|security)[_-]?token
      | (?:private|secret|secret[_-]?access)[_-]?key
      | authorization
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# Names that are as often harmless: only a value that looks like a credential is one.
_SOMETIMES: Final = re.compile(
    r"(?:x-(?:amz|goog)-)?(?:key|token|code|signature|sig|secret|assertion|credential|csrf[_-]?token)", re.IGNORECASE
)
# The last words of those names. A name is looked for by its last word: `str.find` is far faster than a regular
# expression that would have to try every name at every character.
_LAST_WORDS: Final = (
    "password", "passwd", "passphrase", "secret", "assertion", "key", "token", "authorization",
    "code", "signature", "sig", "credential",
)  # fmt: skip
_LONGEST_NAME: Final = 64
_NAME: Final = re.compile(r"[\w.-]*\Z")
# An escape whose last letters look like the beginning of a name.
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})|%(?:25){0,3}([0-9a-fA-F]{2})|\\([nrtbf])")

# What follows a name.
_TAG: Final = r"(?:\{\s*\"py:(?:bytes|bytearray|uuid|tuple|set|frozenset)\"\s*:\s*)?"
_AFTER_KEY: Final = re.compile(
    rf"""\\*["']\s*:\s*{_TAG}(?P<list>\[\s*)?(?:b?(?P<escapes>\\*)(?P<quote>["'])|(?P<number>-?\d[\d.eE+-]*))"""
)
_NEXT_ITEM: Final = re.compile(r"""\\*["']\s*,\s*b?(?P<escapes>\\*)(?P<quote>["'])""")
_PAIR_ENDS: Final = re.compile(r"""\\*["']\s*[\])]""")
_ASSIGNED: Final = re.compile(r"""(?:\]|%5[dD])*\s?[=:]\s?(?:(?P<escapes>\\*)(?P<quote>["']))?""")
_IN_URL: Final = re.compile(
    r"(?:%(?:25){0,3}(?:22|27|5[dD]))*(?:%(?:25){0,3}20|\+)*%(?:25){0,3}3[aAdD](?:%(?:25){0,3}20|\+)*(?:%(?:25){0,3}2[27])?"
)
_ELEMENT: Final = re.compile(r">(?P<value>[^<>\s][^<>]*)</")

# What ends a value that has no quotes: in prose, in a URL or a form, in a URL inside a URL.
_PROSE_ENDS: Final = re.compile(r"""[&\s"'<>\\;,)]""")
_PARAMETER_ENDS: Final = re.compile(r"""[&#\s"'<>\\]""")
_IN_URL_ENDS: Final = re.compile(r"""[&#\s"'<>\\]|%(?:25){0,3}(?:2[02367cC]|0[aAdD]|[57][dD])""")
_STRING_ENDS: Final = re.compile(r'"\s*(?:[,}\]:]|\Z)')

_DIGIT: Final = re.compile(r"\d")
_LETTER: Final = re.compile(r"[^\W\d_]")
_SPACE: Final = re.compile(r"\s")
_ODD: Final = re.compile(r"[^\w+/=.~:%|@$!*-]")
_UNESCAPE: Final = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

_USERINFO: Final = re.compile(r"""(?:(?<=://)|(?<=:\\/\\/))(?P<value>[^/?#\s"'\\<>]*)@""")
_USERINFO_IN_URL: Final = re.compile(r"""(?<=%3[aA]%2[fF]%2[fF])(?P<value>(?:[^/?#\s"'\\<>%&]|%(?!2[fF]|40))*)%40""")
_SCHEME: Final = re.compile(r"\b(?P<scheme>bearer|basic)\s+(?P<value>[A-Za-z0-9+/_.~=-]{8,})", re.IGNORECASE)


class Secret(NamedTuple):
    """A secret in a text: from where to where, and what it is without its escapes."""

    start: int
    end: int
    value: str


def is_credential(value: str, least: int = LONG) -> bool:
    """Return whether a value looks like a credential: long, one word, with letters and digits."""
    return (
        len(value) >= least
        and _DIGIT.search(value) is not None
        and _LETTER.search(value) is not None
        and _SPACE.search(value) is None
    )


class Names:
    """Which field names hold secrets.

    Args:
        declared: Names that the user has added; they count after a `_`, `-` or `.` too.

    """

    def __init__(self, declared: tuple[str, ...]) -> None:
        self.declared = frozenset(
            form.lower() for name in declared for form in (name, json.dumps(name)[1:-1], quote_plus(name))
        )
        self.words = (*_LAST_WORDS, *sorted(self.declared))
        self._exact = re.compile(rf"(?:.*[^A-Za-z0-9])?(?:{'|'.join(map(re.escape, declared))})", re.IGNORECASE)

    def declares(self, name: str) -> bool:
        """Return whether the user has added a name."""
        return bool(self.declared) and self._exact.fullmatch(name) is not None

    def always(self, name: str) -> bool:
        """Return whether a field of this name always holds a secret."""
        return _ALWAYS.fullmatch(name) is not None or self.declares(name)

    def sometimes(self, name: str) -> bool:
        """Return whether a field of this name holds a secret if it looks like one."""
        return _SOMETIMES.fullmatch(name) is not None

    def hinted(self, lowered: str) -> bool:
        """Return whether a text in small letters may hold a secret that is found here.

        Written out because it is asked of every request, and the answer is nearly always no.
        """
        return (
            "key" in lowered or "token" in lowered or "pass" in lowered or "secret" in lowered or "code" in lowered
            or "auth" in lowered or "sig" in lowered or "assert" in lowered or "cred" in lowered or "@" in lowered
            or ("%" in lowered and "%40" in lowered) or "bearer " in lowered or "basic " in lowered
            or any(map(lowered.__contains__, self.declared))
        )  # fmt: skip


def find_secrets(text: str, lowered: str, names: Names) -> list[Secret]:
    """Return the secrets of a text, from left to right, none inside another.

    Args:
        text: The text.
        lowered: The same in small letters, of the same length.
        names: Which names hold secrets.

    """
    found: list[Secret] = []
    for word in names.words:
        if word in lowered:
            found += _Search(text, lowered, names).named(word)
    if "@" in text and ("://" in text or ":\\/\\/" in text):
        found += _in_urls(text, _USERINFO)
    if "%40" in text:
        found += _in_urls(text, _USERINFO_IN_URL)
    if "bearer " in lowered or "basic " in lowered:
        found += _after_scheme(text)
    apart: list[Secret] = []
    for secret in sorted(found, key=lambda secret: (secret.start, -secret.end)):
        if not apart or secret.start >= apart[-1].end:
            apart.append(secret)
    return apart


class _Search:
    """A search for the fields whose names end with one word."""

    def __init__(self, text: str, lowered: str, names: Names) -> None:
        self._text = text
        self._lowered = lowered
        self._names = names
        self._nexts: dict[re.Pattern[str], tuple[int, int]] = {}

    def named(self, word: str) -> Iterator[Secret]:
        """Yield the values of those fields that are secrets."""
        text, lowered, is_declared = self._text, self._lowered, word in self._names.declared
        at = lowered.find(word)
        while at >= 0:
            end = at + len(word)
            following = text[end : end + 1]
            # Most words are followed by nothing that could hold a value: they are to cost as little as that.
            if following in _FOLLOWERS and (following not in " \t\n" or text[end + 1 : end + 2] in ("=", ":")):
                name, before = self._name(at, end)
                if is_declared and not name[: len(name) - len(word)][-1:].isalnum():
                    always = True
                else:
                    always = self._names.always(name)
                if always or self._names.sometimes(name):
                    for secret in self._values(end, before, always=always):
                        yield secret
                        end = secret.end
            at = lowered.find(word, end)

    def _name(self, at: int, end: int) -> tuple[str, str]:
        """Return the name that ends with the word at a position, and the character before it."""
        text = self._text
        first = max(0, at - _LONGEST_NAME)
        start = at - len(_NAME.search(text, first, at)[0])  # type: ignore[index]
        if start > 0 and text[start - 1] in "\\%":
            escape = _ESCAPED.match(text, start - 1)
            if escape is not None and escape.end() <= at:
                code = escape[1] or escape[2]
                return text[escape.end() : end], chr(int(code, 16)) if code else "\n"
        return text[start:end], text[start - 1 : start]

    def _values(self, end: int, before: str, *, always: bool) -> Iterator[Secret]:
        """Yield what stands behind a name, if it is a secret."""
        text, following = self._text, self._text[end]
        if following in "\"'\\":
            tail = _AFTER_KEY.match(text, end)
            # Part of a key is no name: "primary key".
            if tail is not None and (always or before in ("", '"', "'")):
                yield from self._of_key(tail, always=always)
            elif tail is None and always:
                yield from self._of_pair(end)
            return
        if following == ">":
            tail = _ELEMENT.match(text, end) if before in ("<", ":") else None
            if tail is not None:
                yield from self._checked(*tail.span("value"), 0, always=always)
            return
        tail = _ASSIGNED.match(text, end)
        if tail is not None and tail["quote"]:
            stop = _closing(text, tail.end(), len(tail["escapes"]), tail["quote"])
            if stop is not None:
                yield from self._checked(tail.end(), stop, len(tail["escapes"]), always=always)
                return
        if tail is not None:
            in_field = before in ("?", "&", "#", "[")
            yield from self._unquoted(tail.end(), _PARAMETER_ENDS if in_field else _PROSE_ENDS, always, in_field)
        elif following in "%+" and (tail := _IN_URL.match(text, end)) is not None:
            yield from self._unquoted(tail.end(), _IN_URL_ENDS, always, in_field=True)

    def _of_key(self, tail: re.Match[str], *, always: bool) -> Iterator[Secret]:
        text = self._text
        if tail["number"] is not None:
            if always:
                yield Secret(*tail.span("number"), "")
            return
        item: re.Match[str] | None = tail
        while item is not None:
            stop = _closing(text, item.end(), len(item["escapes"]), item["quote"])
            stop = len(text) if stop is None else stop
            yield from self._checked(item.end(), stop, len(item["escapes"]), always=always)
            item = _NEXT_ITEM.match(text, stop) if tail["list"] else None

    def _of_pair(self, end: int) -> Iterator[Secret]:
        """Yield the second of two items, as in `["x-api-key", "…"]`, if it looks like a credential."""
        text, tail = self._text, _NEXT_ITEM.match(self._text, end)
        stop = _closing(text, tail.end(), len(tail["escapes"]), tail["quote"]) if tail is not None else None
        if tail is None or stop is None or _PAIR_ENDS.match(text, stop) is None:
            return
        value = _unescaped(text[tail.end() : stop], len(tail["escapes"]))
        if is_credential(value, SHORT):
            yield Secret(tail.end(), stop, value)

    def _checked(self, start: int, end: int, escapes: int, *, always: bool) -> Iterator[Secret]:
        """Yield a value that stands in quotes, or alone in its element."""
        value = _unescaped(self._text[start:end], escapes)
        if value and (always or (is_credential(value) and not _ODD.search(value))):
            yield Secret(start, end, value)

    def _unquoted(self, start: int, ends: re.Pattern[str], always: bool, in_field: bool) -> Iterator[Secret]:
        end = self._next(ends, start)
        if end == start:
            return
        if not (always and in_field):
            # In free text `password: required` is prose; in a field or a URL parameter any value counts.
            least = SHORT if always else LONG
            if end - start < least or self._next(_DIGIT, start) >= end or self._next(_LETTER, start) >= end:
                return
            if not always and self._next(_ODD, start) < end:
                return
        value = self._text[start:end]
        yield Secret(start, end, unquote(value) if ends is not _PROSE_ENDS else value)

    def _next(self, wanted: re.Pattern[str], start: int) -> int:
        """Return where something comes next; each stretch is searched once, however often it is asked about."""
        asked, known = self._nexts.get(wanted, (1, 0))
        if not asked <= start <= known:
            match = wanted.search(self._text, start)
            known = len(self._text) if match is None else match.start()
            self._nexts[wanted] = start, known
        return known


_FOLLOWERS: Final = frozenset("\"'\\=: \t\n]%+>")


def _closing(text: str, start: int, escapes: int, quote: str) -> int | None:
    """Return where a value in quotes ends; None if they are never closed.

    In JSON a quote has no backslash before it, in JSON inside JSON one, then three, seven …; each escaped quote of the
    value has its own on top of that. A quote with fewer is that of a string around it, which ends the value too.
    """
    at = text.find(quote, start)
    while at >= 0:
        first = at
        while first > start and text[first - 1] == "\\":
            first -= 1
        run = at - first
        if run < escapes:
            return first
        if (run - escapes) % (2 * escapes + 2) == 0:
            break
        at = text.find(quote, at + 1)
    if quote == "'" and (around := _STRING_ENDS.search(text, start, at if at >= 0 else len(text))):
        # A Python value that was cut off inside a JSON string.
        return around.start()
    return at - escapes if at >= 0 else None


def _unescaped(value: str, escapes: int) -> str:
    """Return a value without the escapes of JSON, of JSON inside JSON, or of Python."""
    for _ in range((escapes + 1).bit_length() if "\\" in value else 0):
        try:
            value = json.loads(f'"{value}"', strict=False)
        except ValueError:
            return _UNESCAPE.sub(_meant, value)
    return value


def _meant(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _ESCAPES.get(escape[2], escape[2])


def _in_urls(text: str, pattern: re.Pattern[str]) -> Iterator[Secret]:
    for match in pattern.finditer(text):
        value = unquote(match["value"])
        if ":" in value or is_credential(value):
            yield Secret(*match.span("value"), value)


def _after_scheme(text: str) -> Iterator[Secret]:
    for match in _SCHEME.finditer(text):
        value = match["value"]
        if decoded_pair(value) if match["scheme"].lower() == "basic" else is_credential(value, SHORT):
            yield Secret(*match.span("value"), value)


def decoded_pair(value: str) -> tuple[str, ...]:
    """Return user, password and the pair of a Basic credential; nothing if it is none."""
    try:
        pair = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ()
    user, colon, password = pair.partition(":")
    return (user, password, pair) if colon else ()
