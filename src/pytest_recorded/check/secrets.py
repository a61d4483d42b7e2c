"""Secrets that are in a row: by their values, which this environment knows, and by the names of their fields.

The law of this file: what is a secret is what `redact` would hide if the row were recorded here. Each text is hidden
again, and what becomes another text had a secret in it. Only how a value looks in base64 is known here: a recorder,
which has the value's neighbours too, never meets it so.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from ..canonical import load_tree, to_text
from ..errors import SerializationError
from ..job import is_http
from ..known import Known
from ..message import HttpResponse, without
from ..redact import Mask, Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..job import Chunk, Row
    from ..rules import Rules

__all__ = ["SecretSearch"]

_BYTES: Final = re.compile(r'"py:(?:bytes|bytearray)":"([A-Za-z0-9+/=]*)"')
# What a value is in base64 between its ends, which depend on its neighbours; a shorter text may be there by chance.
_LEAST: Final = 14


class SecretSearch:
    """Looks for secrets in rows.

    Args:
        rules: What the project declares as secret.
        environment: Environment variables.

    """

    def __init__(self, rules: Rules, environment: Mapping[str, str]) -> None:
        self._rules = rules
        #: The variables with secrets, by their values.
        self._variables: dict[str, str] = {}
        self._environment: dict[str, str] = {}
        self._known = Known()
        for name, raw in environment.items():
            if self._is_secret(name, raw):
                self._environment[name] = raw
                self._variables[raw.strip()] = name
                self._known.add(raw.strip(), name)
        self._encoded = {core: name for value, name in self._variables.items() for core in _in_base64(value)}

    def _is_secret(self, name: str, raw: str) -> bool:
        value, secrets = raw.strip(), Secrets(self._rules)
        before = secrets.learned
        secrets.observe_environment({name: raw})
        return bool(value) and secrets.learned > before

    def hidden(self, text: str) -> str:
        """Return a text that may be shown."""
        hidden = self._secrets().hide(text)
        return "redacted" if self._variable_in(hidden) else hidden

    def secrets_of(self, row: Row, chunks: Sequence[Chunk]) -> Iterator[tuple[str, str]]:
        """Yield where a row has secrets, and how they are known."""
        for name in ("scope", "kind", "key"):
            text = getattr(row, name) or ""
            if variable := self._variable_in(text):
                yield name, f"the value of {variable}"
        for slot in ("request", "response", "data", "error", "info"):
            text = getattr(row, f"{slot}_json")
            if text is not None:
                # A slot that was damaged may be bytes.
                yield from self._of_slot(text if type(text) is str else str(text), slot, row.kind)
        for chunk in chunks:
            yield from self._of_slot(chunk.body, f"chunk {chunk.seq}", row.kind)

    def _of_slot(self, text: str, slot: str, kind: str) -> Iterator[tuple[str, str]]:
        try:
            tree = load_tree(text)
            if is_http(kind) and slot == "response" and isinstance(tree, dict):
                old, new = self._response(tree)
            else:
                old, new = tree, load_tree(self._clean(text, tree, slot))
            found = dict(_differences(old, new))
        except SerializationError:
            # Of a damaged text the whole is looked at.
            old = text
            found = {} if self._secrets().hide(text) == text else {"$": text}
        if self._encoded or self._variables:
            found |= dict(self._by_value(old, "$"))
        for path, value in found.items():
            variable = self._variable_in(_text(value))
            yield f"{slot}: {path}", f"the value of {variable}" if variable else "a secret by the name of its field"

    def _clean(self, text: str, tree: Any, slot: str) -> str:
        """Return the text of a slot as it would be stored."""
        secrets = self._secrets()
        if slot == "request" and isinstance(tree, dict):
            changed = dict(tree)
            if isinstance(tree.get("form"), str):
                changed["form"] = secrets.hide(tree["form"], form=True)
            if "json" in tree:
                changed["json"] = without(tree["json"], self._rules.paths)
            if changed != tree:
                text = to_text(changed)
        return text if slot == "info" else secrets.hide(text)

    def _response(self, tree: dict[str, Any]) -> tuple[Any, Any]:
        """Return a response's headers and body, as they are and as they would be stored."""
        response = HttpResponse.from_tree(tree)
        masked = response.masked(Mask(self._secrets(), lambda: "000000"), self._rules.paths)
        both = [{name: one.tree()[name] for name in ("headers", "body")} for one in (response, masked)]
        return both[0], both[1]

    def _secrets(self) -> Secrets:
        """Return what knows the secrets of the environment, and none that it has met in another row."""
        secrets = Secrets(self._rules)
        secrets.observe_environment(self._environment)
        return secrets

    def _by_value(self, tree: Any, path: str) -> Iterator[tuple[str, Any]]:
        """Yield the places of a tree whose text has a value of the environment."""
        if type(tree) is dict and not _is_bytes(tree):
            for name, item in tree.items():
                yield from self._by_value(item, _below(path, name))
        elif type(tree) is list:
            for index, item in enumerate(tree):
                yield from self._by_value(item, f"{path}[{index}]")
        elif type(tree) in (str, dict) and self._variable_in(_text(tree)):
            yield path, tree

    def _variable_in(self, text: str) -> str:
        """Return the variable whose value a text has, however it is written there; `""` if it has none."""
        if not self._variables:
            return ""
        found = self._known.find(text)
        if found:
            return self._variables[found[0].value]
        for core, variable in self._encoded.items():
            if core in text:
                return variable
        for encoded in _BYTES.findall(text):
            content = base64.b64decode(encoded + "==").decode("latin-1")
            if inside := self._known.find(content, tokens=False):
                return self._variables[inside[0].value]
        return ""


def _in_base64(value: str) -> Iterator[str]:
    """Yield what a value is in base64 whatever stands before and after it, in both alphabets."""
    content = value.encode(errors="surrogateescape")
    for before in range(3):
        # Of the bytes of three a letter has six bits: those that it shares with a neighbour are left out.
        whole = base64.b64encode(bytes(before) + content).decode().rstrip("=")
        last = len(whole) - (1 if (before + len(content)) % 3 else 0)
        core = whole[(before * 8 + 5) // 6 : last]
        if len(core) >= _LEAST:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _differences(old: Any, new: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Yield where two trees of nearly the same shape differ, with what the old one has there."""
    if type(old) is dict and type(new) is dict and old.keys() == new.keys() and not _is_bytes(old):
        for name, item in old.items():
            yield from _differences(item, new[name], _below(path, name))
    elif type(old) is list and type(new) is list and len(old) == len(new):
        for index, (item, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(item, other, f"{path}[{index}]")
    elif old != new:
        yield path, old


def _is_bytes(tree: dict[str, Any]) -> bool:
    return len(tree) == 1 and not tree.keys().isdisjoint(("py:bytes", "py:bytearray"))


def _below(path: str, name: str) -> str:
    """Return the path of a member; a tag is no member of the value that it tells the type of."""
    if name.startswith("py:"):
        return path
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{name!r}]"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else to_text(value)
