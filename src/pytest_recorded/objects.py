"""Objects as state, and back: dataclasses, pydantic models, named tuples, enums.

The law of this file: a class comes from `Types`, never from a name in a file; an object is made without its `__init__`
and given its recorded state, so that what comes back is equal and no code of its class ran. Where the user has
registered a pair of functions, they make the object.
"""

from __future__ import annotations

import builtins
import dataclasses
import functools
import inspect
import sys
import types
import typing
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .converters import Converter, convert_with, converter_of, served_classes
from .errors import ConfigurationError
from .misfit import Misfit, at, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = [
    "Types",
    "attributes",
    "class_name",
    "classes_in",
    "dumped",
    "loaded",
    "object_state",
    "rebuild_enum",
    "rebuild_object",
    "register",
    "registered",
    "unpack_fields",
]


def class_name(cls: type) -> str:
    """Return the name under which a class is stored."""
    return f"{cls.__module__}.{cls.__qualname__}"


class Types:
    """The classes that may be rebuilt, by name.

    A class is found by its full name, or by its qualified name alone when just one known class has it: test modules
    change their module name with pytest's import mode, and `__main__` is never the name of the module it is.
    """

    def __init__(self, known: Iterable[type] = ()) -> None:
        self._by_name: dict[str, type] = {}
        self._by_qualname: dict[str, set[type]] = {}
        for cls in known:
            self._by_name[class_name(cls)] = cls
            self._by_qualname.setdefault(cls.__qualname__, set()).add(cls)

    def find(self, name: str) -> type | None:
        """Return the known class of a stored name, or None."""
        if name in self._by_name:
            return self._by_name[name]
        served = [cls for cls in served_classes() if class_name(cls) == name]
        if served:
            self._by_name[name] = served[-1]
            return served[-1]
        for qualname, found in self._by_qualname.items():
            if len(found) == 1 and (name == qualname or name.endswith("." + qualname)):
                # A class that exists under the stored name is another one that happens to be called the same.
                return None if _exists(name) else next(iter(found))
        return None

    def need(self, name: object) -> type:
        """Return the known class of a stored name; a misfit if there is none."""
        cls = self.find(name) if isinstance(name, str) else None
        if cls is None:
            raise Misfit(
                f"the class {name!s:.200} is not known here. Make it known: annotate the function's return type with "
                f"it, name it as response= or data=, or call pytest_recorded.register(…)"
            )
        return cls


# A stranger's name may have a million parts.
_MOST_PACKAGES: Final = 50


def _exists(name: str) -> bool:
    """Return whether a loaded module has a class of this full name."""
    parts = name.split(".")
    for cut in range(min(len(parts) - 1, _MOST_PACKAGES), 0, -1):
        found: Any = sys.modules.get(".".join(parts[:cut]))
        if found is not None:
            for part in parts[cut:]:
                found = vars(found).get(part) if hasattr(found, "__dict__") else None
            return isinstance(found, type)
    return False


_registered: set[type] = set()


def register(
    *classes: type, dump: Callable[[Any], Any] | None = None, load: Callable[[Any, type], Any] | None = None
) -> None:
    """Make classes known, so that recorded values of them can be rebuilt wherever they appear.

    Not needed for classes that a recorded function's annotations or slots name, nor for exceptions that its module
    names. A class that is no dataclass, pydantic model or named tuple needs a pair of functions, which then serves its
    subclasses too, exceptions as well as values.

    Args:
        classes: The classes.
        dump: Takes a value; returns what is stored instead of it: plain data, or anything else that can be stored.
        load: Takes what `dump` returned, and the class of the value; returns a value equal to the recorded one.

    Raises:
        ConfigurationError: Something is no class, or `dump` and `load` are no pair of functions.

    """
    for cls in classes:
        if not isinstance(cls, type):
            raise ConfigurationError(f"register() takes classes, not {cls!r}.")
        if dump is not None or load is not None:
            convert_with(cls, dump, load)
        _registered.update(classes_in(cls))


def registered() -> frozenset[type]:
    """Return the classes that were registered."""
    return frozenset(_registered)


def classes_in(annotation: Any) -> Iterator[type]:
    """Yield the classes that an annotation names, and those that their fields name in turn."""
    seen: set[Any] = set()
    todo = [annotation]
    while todo:
        item = todo.pop()
        todo += typing.get_args(item)
        if type(item).__name__ == "TypeAliasType":
            todo.append(item.__value__)
        item = typing.get_origin(item) or item
        if not isinstance(item, type) or isinstance(item, types.GenericAlias) or item in seen:
            continue
        seen.add(item)
        if item.__module__ != "builtins":
            yield item
            todo += _field_annotations(item)


def _field_annotations(cls: type) -> list[Any]:
    if _is_model(cls):
        # What pydantic has made of them: it knows names that are local to a function.
        return [spec.annotation for spec in getattr(cls, "__pydantic_fields__").values()]  # noqa: B009 - typeshed has not got it
    # Not typing.is_typeddict, which does not know those of typing_extensions.
    if not (dataclasses.is_dataclass(cls) or hasattr(cls, "_fields") or hasattr(cls, "__required_keys__")):
        return []
    return [hint for base in cls.__mro__ for hint in _own_hints(base)]


def _own_hints(cls: type) -> list[Any]:
    """Return a class's own annotations, without those that only type checkers can evaluate."""
    names = {**vars(sys.modules.get(cls.__module__, builtins)), cls.__name__: cls}
    hints: list[Any] = []
    for name, annotation in _annotations(cls).items():
        one = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            hints += typing.get_type_hints(one, names).values()
        except Exception:  # noqa: BLE001, S112 - it names no class that we could know
            continue
    return hints


def _annotations(cls: type) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib  # noqa: PLC0415 - older versions have not got it

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return inspect.get_annotations(cls)


def _is_model(cls: type) -> bool:
    """Return whether a class is a pydantic model, without importing pydantic."""
    # Its dataclasses have fields of this name too, but not this slot.
    return "pydantic" in sys.modules and hasattr(cls, "__pydantic_fields_set__")


class State(NamedTuple):
    """What an object consists of.

    Attributes:
        fields: What its class declares.
        extra: What else it carries.
        private: The private attributes of a pydantic model.
        unset: The fields of a pydantic model that hold their defaults because nobody set them.

    """

    fields: Mapping[str, Any]
    extra: Mapping[str, Any] = {}
    private: Mapping[str, Any] = {}
    unset: tuple[str, ...] = ()


def object_state(value: Any) -> State | None:
    """Return what an object consists of, or None if it is of no storable kind."""
    cls = type(value)
    try:
        if _is_model(cls):
            return _model_state(value)
        if dataclasses.is_dataclass(cls):
            return _dataclass_state(value)
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return State(dict(zip(cls._fields, value, strict=True)))
    except RecursionError:
        raise
    except Exception as error:  # noqa: BLE001 - a property of the user's, say; his value is his all the same
        raise Misfit(f"the state of {class_name(cls)} cannot be read ({type(error).__name__}: {error})") from None
    return None


def _dataclass_state(value: Any) -> State:
    names = [spec.name for spec in dataclasses.fields(value)]
    fields = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return State(fields, {name: item for name, item in attributes(value).items() if name not in fields})


def attributes(value: Any) -> dict[str, Any]:
    """Return what an object carries in its dictionary, without what its class can work out again."""
    return {
        name: item
        for name, item in getattr(value, "__dict__", {}).items()
        if name != "__orig_class__" and not isinstance(getattr(type(value), name, None), functools.cached_property)
    }


def _model_state(value: Any) -> State:
    names = type(value).__pydantic_fields__
    fields = {name: item for name, item in vars(value).items() if name in names}
    extra = value.__pydantic_extra__ or {}
    given = value.__pydantic_fields_set__
    unset = tuple(sorted(name for name in (*fields, *extra) if name not in given))
    return State(fields, extra, value.__pydantic_private__ or {}, unset)


Unpack = typing.Callable[[Any, Types], Any]


def dumped(converter: Converter, value: Any, pack: Callable[[Any], Any]) -> dict[str, Any]:
    """Return what a registered pair stores of a value, as a tree, and for which base it was registered."""
    try:
        stored = converter.dump(value)
    except Exception as error:  # noqa: BLE001 - it is the user's function; his value is his all the same
        name = converter.cls.__name__
        raise Misfit(f"dump=, registered for {name}, raised {type(error).__name__}: {error}") from None
    base = {} if converter.cls is type(value) else {"base": class_name(converter.cls)}
    return {**base, "value": pack(stored)}


def loaded(name: str, content: Any, known: Types, unpack: Unpack) -> Any:
    """Return the value that a registered pair makes of what it stored.

    A class that is not loaded here, as one that its library keeps to itself, is stood in for by the registered base.
    """
    cls = known.find(name)
    is_loaded = cls is not None or "base" not in content
    cls = cls or known.need(content.get("base", name))
    converter = converter_of(cls)
    if converter is None:
        raise Misfit(f"{name} was stored by a pair of functions. Register it again: register(…, dump=…, load=…)")
    try:
        return converter.load(unpack(content["value"], known), cls)
    except Misfit:
        raise
    except Exception as error:  # noqa: BLE001 - likewise
        own = "" if is_loaded else f". The module of {name} is not imported here; perhaps it should be"
        raised = f"raised {type(error).__name__}: {error}{own}"
        raise Misfit(f"load=, registered for {converter.cls.__name__}, {raised}") from None


def rebuild_object(content: Any, known: Types, unpack: Unpack) -> Any:
    """Make an object from its stored state."""
    if "value" in content:
        return loaded(content["class"], content, known, unpack)
    cls = known.need(content["class"])
    fields, extra, private = (
        unpack_fields(content.get(part, {}), known, unpack) for part in ("fields", "extra", "private")
    )
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        fields = {**getattr(cls, "_field_defaults", {}), **fields}
        _need_all(cls, fields, cls._fields)
        return tuple.__new__(cls, [fields[name] for name in cls._fields])
    if _is_model(cls):
        return _rebuild_model(cls, State(fields, extra, private, tuple(content.get("unset", ()))))
    if not dataclasses.is_dataclass(cls):
        raise Misfit(f"the class {class_name(cls)} is no dataclass, pydantic model or named tuple any more")
    return _rebuild_dataclass(cls, fields, extra)


def unpack_fields(content: Any, known: Types, unpack: Unpack) -> dict[str, Any]:
    """Return stored fields as values."""
    return {name: at(field(name), unpack, item, known) for name, item in content.items()}


def _need_all(cls: type, fields: Mapping[str, Any], names: Iterable[str]) -> None:
    missing = [name for name in names if name not in fields]
    if missing:
        raise Misfit(
            f"the recorded {class_name(cls)} has no field {', '.join(missing)}, which the class has gained since. "
            f"Give it a default, or record the call again"
        )


def _rebuild_dataclass(cls: type, fields: dict[str, Any], extra: dict[str, Any]) -> Any:
    made: Any = object.__new__(cls)
    specs = dataclasses.fields(cls)
    for spec in specs:
        if spec.name not in fields:
            if spec.default is not dataclasses.MISSING:
                fields[spec.name] = spec.default
            elif spec.default_factory is not dataclasses.MISSING:
                fields[spec.name] = spec.default_factory()
            elif spec.init:
                _need_all(cls, fields, [spec.name])
    for name in [spec.name for spec in specs if spec.name in fields]:
        object.__setattr__(made, name, fields[name])
    if extra and hasattr(made, "__dict__"):
        vars(made).update(extra)
    return made


def _rebuild_model(cls: Any, state: State) -> Any:
    specs = cls.__pydantic_fields__
    # A field that the class has lost is dropped.
    fields = {name: item for name, item in state.fields.items() if name in specs}
    given = {*fields, *state.extra} - set(state.unset)
    for name, spec in specs.items():
        if name not in fields:
            if spec.is_required():
                _need_all(cls, fields, [name])
            fields[name] = _default(spec, fields)
    fields = {name: fields[name] for name in specs}
    private = {name: item for name, item in state.private.items() if name in cls.__private_attributes__}
    for name, spec in cls.__private_attributes__.items():
        default = None if name in private else _private_default(spec, {**fields, **private})
        if name not in private and type(default).__name__ != "PydanticUndefinedType":
            private[name] = default
    made = object.__new__(cls)
    for slot, content in (
        ("__dict__", fields),
        ("__pydantic_fields_set__", given),
        ("__pydantic_extra__", dict(state.extra) if state.extra or cls.model_config.get("extra") == "allow" else None),
        ("__pydantic_private__", private if cls.__private_attributes__ else None),
    ):
        # A root model has None for some of them, in its class.
        if content is not None or getattr(cls, slot, None) is not None:
            object.__setattr__(made, slot, content)
    return made


def _private_default(spec: Any, fields: dict[str, Any]) -> Any:
    # Each release of pydantic asks for private defaults in a way of its own; the factory itself stays what it is.
    if spec.default_factory is None:
        return spec.get_default()
    takes_data = getattr(spec, "default_factory_takes_validated_data", False)
    return spec.default_factory(fields) if takes_data else spec.default_factory()


def _default(spec: Any, fields: dict[str, Any]) -> Any:
    if getattr(spec, "default_factory_takes_validated_data", False):
        return spec.get_default(call_default_factory=True, validated_data=fields)
    return spec.get_default(call_default_factory=True)


def rebuild_enum(content: Any, known: Types) -> Enum:
    """Find a member of a known enumeration."""
    name, member = content
    cls = known.need(name)
    if not issubclass(cls, Enum):
        raise Misfit(f"the class {name} is no enumeration any more")
    try:
        return cls(member) if issubclass(cls, Flag) else cls[member]
    except (KeyError, ValueError):
        raise Misfit(f"{class_name(cls)} has no member {member!r:.200} any more; record the call again") from None
