"""Slots: what a pydantic model, a dataclass or a typed dict picks out of a wide value.

The law of this file: a projection that does not fit says so with its path, and breaks nothing.
"""

from __future__ import annotations

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
        """Return the instance of a stored tree; the tree itself where the model has changed since."""
        try:
            return self.project(tree)
        except SerializationError:
            return tree


def _interrupts(error: BaseException) -> bool:
    """Return whether it came from outside of the model's own code."""
    asyncio = sys.modules.get("asyncio")
    cancelled = (asyncio.CancelledError,) if asyncio is not None else ()
    return isinstance(error, (KeyboardInterrupt, GeneratorExit, *cancelled))


@functools.lru_cache(maxsize=256)
def _adapter(model: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - see project()

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
