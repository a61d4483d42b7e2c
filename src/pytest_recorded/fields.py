"""The fields of a model, each by itself: whether it has one of a name, and whether a value fits it.

The law of this file: it objects only to what the model itself would object to. Where only the whole model can tell,
because a validator of its own sees all fields first, or one field needs another, everything fits.
"""

from __future__ import annotations

import inspect
import typing
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .misfit import field

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

__all__ = ["misfit", "takes_any_field", "type_of"]

# Around the fields of a model, in the schema that pydantic makes of it.
_SHELLS: Final = frozenset({"model", "dataclass", "function-after"})
_FIELDS: Final = frozenset({"model-fields", "dataclass-args", "typed-dict"})


class _Layout(NamedTuple):
    """What pydantic knows about the fields of a model: their schemas, and what these refer to."""

    fields: dict[str, Any]
    others: Any = None
    takes_any: bool = False
    config: Any = None
    definitions: tuple[Any, ...] = ()


def misfit(model: Any, name: str, value: Any) -> tuple[str, str] | None:
    """Return why a value does not fit a field, and the path of its first misfit; None if it fits."""
    from pydantic import ValidationError  # noqa: PLC0415 - importing pydantic takes longer than most test runs

    try:
        validator = _validator(model, name)
        if validator is not None:
            validator.validate_python(value, from_attributes=True)
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_context=False)
        path = [field(part) if isinstance(part, str) else f"[{part}]" for part in (name, *first["loc"])]
        return first["msg"] + (f" (and {len(others)} more)" if others else ""), "$" + "".join(path)
    except Exception:  # noqa: BLE001 - a validator that needs the other fields fails without them
        return None
    return None


def takes_any_field(model: Any) -> bool:
    """Return whether a model takes fields that it does not name."""
    return _layout(model).takes_any


def type_of(model: Any, name: str) -> str:
    """Return the type of a field as it is written; `""` if that is not known."""
    spec = getattr(model, "__pydantic_fields__", {}).get(name)
    if spec is not None:
        return inspect.formatannotation(spec.annotation)
    try:
        annotation = typing.get_type_hints(model).get(name, "")
    except Exception:  # noqa: BLE001 - a name that only type checkers see
        annotation = getattr(model, "__annotations__", {}).get(name, "")
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


@lru_cache(maxsize=1024)
def _validator(model: Any, name: str) -> SchemaValidator | None:
    from pydantic_core import SchemaValidator  # noqa: PLC0415 - see misfit()

    layout = _layout(model)
    schema = layout.fields.get(name, layout.others)
    if schema is None:
        return None
    if layout.definitions:
        schema = {"type": "definitions", "schema": schema, "definitions": list(layout.definitions)}
    return SchemaValidator(schema, layout.config)


@lru_cache(maxsize=256)
def _layout(model: Any) -> _Layout:
    from pydantic import TypeAdapter  # noqa: PLC0415 - see misfit()

    try:
        return _read(TypeAdapter(model).core_schema)
    except Exception:  # noqa: BLE001 - pydantic does not know every annotation, and it may write schemas otherwise
        return _Layout({})


def _read(schema: Any) -> _Layout:
    definitions: tuple[Any, ...] = ()
    config = None
    while schema["type"] not in _FIELDS:
        if schema["type"] == "definitions":
            definitions, schema = tuple(schema["definitions"]), schema["schema"]
        elif schema["type"] == "definition-ref":
            schema = next(one for one in definitions if one["ref"] == schema["schema_ref"])
        elif schema["type"] in _SHELLS:
            config, schema = schema.get("config", config), schema["schema"]
        else:
            return _Layout({})
    config = schema.get("config", config)
    extra = schema.get("extra_behavior") or (config or {}).get("extra_fields_behavior")
    named = schema["fields"]
    if isinstance(named, list):
        named = {one["name"]: one for one in named}
    fields = {name: one["schema"] for name, one in named.items()}
    return _Layout(fields, schema.get("extras_schema"), extra == "allow", config, definitions)
