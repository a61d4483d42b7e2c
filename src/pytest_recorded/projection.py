"""Slots: what a pydantic model, a dataclass or a typed dict picks out of a wide value.

The law of this file: a projection that does not fit says so with its path, and breaks nothing.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import sys
import typing
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError, SerializationError
from .misfit import field

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import TypeAdapter

__all__ = ["Projection", "projection_for"]


@dataclasses.dataclass(frozen=True, slots=True)
class Projection:
    """One model of one slot.

    Attributes:
        model: The pydantic model, dataclass or typed dict; or a generic of one, such as `list[Order]`.

    """

    model: Any

    @property
    def name(self) -> str:
        """The model's name, for messages."""
        return getattr(self.model, "__name__", None) or str(self.model)

    @property
    def fields(self) -> list[str] | None:
        """The names of the model's fields; None for a generic, which has none."""
        if typing.get_origin(self.model) is not None:
            return None
        if hasattr(self.model, "__pydantic_fields__"):
            return list(self.model.__pydantic_fields__)
        if dataclasses.is_dataclass(self.model):
            return [spec.name for spec in dataclasses.fields(self.model)]
        return list(typing.get_type_hints(self.model))

    def project(self, value: Any) -> Any:
        """Return the model's fields of a value, as an instance of the model.

        Raises:
            SerializationError: The value does not fit; the path is that of its first misfit.

        """
        return self._made(lambda: _adapter(self.model).validate_python(value, from_attributes=True))

    @property
    def takes_job(self) -> bool:
        """Whether the model is filled from the whole call, request and response, by its `from_job`."""
        return callable(getattr(self.model, "from_job", None))

    def from_job(self, job: Any) -> Any:
        """Return what the model makes of a call; None if it makes nothing of it.

        Raises:
            SerializationError: It fails.

        """
        return self._made(lambda: self.model.from_job(job))

    def _made(self, make: Callable[[], Any]) -> Any:
        from pydantic import ValidationError  # noqa: PLC0415 - importing pydantic takes longer than most test runs

        try:
            return make()
        except ValidationError as error:
            first, *others = error.errors(include_url=False, include_context=False)
            more = f" (and {len(others)} more)" if others else ""
            raise SerializationError(
                f"it does not fit {self.name}: {first['msg']}{more}",
                "$" + "".join(field(part) if isinstance(part, str) else f"[{part}]" for part in first["loc"]),
            ) from None
        except SerializationError:
            raise
        except BaseException as error:
            if _interrupts(error):
                raise
            raise self._unfit("cannot be applied", error) from error

    def tree(self, instance: Any) -> Any:
        """Return an instance of the model as a JSON tree.

        Raises:
            SerializationError: It holds something that JSON has not got.

        """
        try:
            return _adapter(self.model).dump_python(instance, mode="json")
        except BaseException as error:
            if _interrupts(error):
                raise
            raise self._unfit("cannot be stored as JSON", error) from error

    def _unfit(self, what: str, error: BaseException) -> SerializationError:
        # A validator or a serializer of the user's may raise anything, `pytest.skip` or SystemExit too, and pydantic
        # does not know every annotation.
        return SerializationError(f"{self.name} {what} ({type(error).__name__}: {error})")

    def read(self, tree: Any) -> Any:
        """Return the instance of a stored tree; the tree itself where an instance would lack or change some of it.

        The model may have changed since, and a validator may change again what it has changed before.
        """
        for names in _namings():
            try:
                instance = self._named(tree, names)
                kept = self._made(lambda: _plain().dump_python(tree, mode="json"))
                again = self.tree(instance)
                # A set is stored in any order.
                if _holds(again, kept) or (_holds(again, kept, sort=True) and self._named(again, names) == instance):
                    return instance
            except SerializationError:
                continue
        return tree

    def _named(self, tree: Any, names: dict[str, Any]) -> Any:
        return self._made(lambda: _adapter(self.model).validate_python(tree, from_attributes=True, **names))

    def filled(self, value: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """Return a value with others for some fields, each by the name that the model reads it by."""
        keys = _keys(self.model)
        return value | {next(iter(keys.get(name, ())), name): given for name, given in values.items()}

    def updated(self, instance: Any, values: dict[str, Any]) -> Any:
        """Return an instance with others for some fields, by field name or alias, whatever validators say to them.

        Raises:
            SerializationError: They cannot be set.

        """
        types = _types(type(instance))
        if not types:
            return self.read({**self.tree(instance), **values})
        fields = {key: name for name, keys in _keys(type(instance)).items() for key in keys} | {
            name: name for name in types
        }
        given = {fields[key]: value for key, value in values.items() if key in fields}
        return self._made(lambda: _with(instance, {name: _typed(types[name], value) for name, value in given.items()}))


def _types(model: Any) -> dict[str, Any]:
    """Return the types of a model's fields by their names; none of what is no class with fields."""
    if hasattr(model, "__pydantic_fields__") and not getattr(model, "__pydantic_root_model__", False):
        return {name: spec.annotation for name, spec in model.__pydantic_fields__.items()}
    if dataclasses.is_dataclass(model):
        hints = typing.get_type_hints(model)
        return {spec.name: hints[spec.name] for spec in dataclasses.fields(model)}
    return {}


def _keys(model: Any) -> dict[str, list[str]]:
    """Return by which keys a model reads those of its fields that have aliases."""
    found = {}
    for name, spec in getattr(model, "__pydantic_fields__", {}).items():
        alias = spec.validation_alias or spec.alias
        if keys := [key for key in getattr(alias, "choices", [alias]) if isinstance(key, str)]:
            found[name] = keys
    return found


def _typed(annotation: Any, value: Any) -> Any:
    slot = Projection(annotation)
    if isinstance(value, dict | list):
        return slot.read(value)
    try:
        return slot.project(value)
    except SerializationError:
        return value


def _with(instance: Any, values: dict[str, Any]) -> Any:
    changed = {name: value for name, value in values.items() if getattr(instance, name) != value}
    if not changed:
        return instance
    if hasattr(instance, "model_copy"):
        return instance.model_copy(update=changed)
    other = copy.copy(instance)
    for name, value in changed.items():
        # It may be frozen.
        object.__setattr__(other, name, value)
    return other


def _holds(whole: Any, part: Any, *, sort: bool = False) -> bool:
    """Return whether a tree has all that another one has; numbers may be written as texts."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and _holds(whole[name], value, sort=sort) for name, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        pair = (sorted(whole, key=repr), sorted(part, key=repr)) if sort else (whole, part)
        return len(whole) == len(part) and all(_holds(one, other, sort=sort) for one, other in zip(*pair, strict=True))
    return bool(whole == part) or str(whole) == str(part)


@functools.lru_cache(maxsize=1)
def _plain() -> TypeAdapter[Any]:
    """Return what makes a JSON tree of anything, with the numbers that JSON has not got."""
    from pydantic import ConfigDict, TypeAdapter  # noqa: PLC0415 - see Projection._made

    return TypeAdapter(Any, config=ConfigDict(ser_json_inf_nan="constants"))


@functools.lru_cache(maxsize=1)
def _namings() -> tuple[dict[str, Any], ...]:
    """Return by which names to look for stored fields: their own, else also those that a model dumps them by."""
    import pydantic  # noqa: PLC0415 - see Projection._made

    if tuple(map(int, pydantic.VERSION.split(".")[:2])) < (2, 11):
        # There, a tree of a model with aliases stays one.
        return ({},)
    return ({"by_name": True, "by_alias": False}, {"by_name": True, "by_alias": True})


def _interrupts(error: BaseException) -> bool:
    """Return whether it came from outside of the model's own code."""
    asyncio = sys.modules.get("asyncio")
    cancelled = (asyncio.CancelledError,) if asyncio is not None else ()
    return isinstance(error, (KeyboardInterrupt, GeneratorExit, *cancelled))


@functools.lru_cache(maxsize=256)
def _adapter(model: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - see Projection._made

    return TypeAdapter(model)


def projection_for(model: Any, *, option: str, where: str) -> Projection | None:
    """Return the projection of a slot option such as `data=Order`; None for None.

    Raises:
        ConfigurationError: It is no model.

    """
    if model is None:
        return None
    if sys.version_info < (3, 12) and any(map(typing.is_typeddict, (model, *typing.get_args(model)))):
        # Pydantic cannot use it; only those of `typing` are known to this function there.
        raise ConfigurationError(
            f"{where}: {option}={model!r} is a typing.TypedDict, which cannot be used before Python 3.12. Use "
            f"typing_extensions.TypedDict."
        )
    core = next((part for part in typing.get_args(model) if _is_model(part)), model)
    if _is_model(core):
        return Projection(model)
    raise ConfigurationError(
        f"{where}: {option}={model!r} is no model. Give a pydantic model, a dataclass, a TypedDict, or a list or "
        f"union of them."
    )


def _is_model(model: Any) -> bool:
    # Not typing.is_typeddict: before Python 3.13 it does not know those of typing_extensions, and before 3.12 pydantic
    # does not take any others.
    return isinstance(model, type) and (
        hasattr(model, "__pydantic_fields__") or dataclasses.is_dataclass(model) or hasattr(model, "__required_keys__")
    )
