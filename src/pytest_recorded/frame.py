"""Whose call is it: the frame that a call finds itself in.

A frame names a book (who decides about calls and stores them) and, inside a recorded call, that call. It is found by a
ContextVar, never by patching and un-patching around a call: that is how a thread's request slips through live.

The ContextVar counts if its book is open. Threads do not inherit it, so that a thread remembers the frame of whoever
started it, and an executor's task that of whoever submitted it. What has no frame, or the frame of something that is
over and was no test, belongs to the test that is running in this process. What has the frame of a finished test is
late: its book says what becomes of it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .book import Book
    from .target import Target

__all__ = [
    "Frame",
    "carry_over_threads",
    "current_frame",
    "enter",
    "entered",
    "framed",
    "held",
    "innermost",
    "is_left_out_around",
    "leave",
    "pop_test",
    "push_test",
    "running_test",
    "step_into",
    "step_out_of",
    "switch",
    "switch_back",
]


class Frame(NamedTuple):
    """Where a call is made.

    Attributes:
        book: The book it is made in.
        inside: The ticket of the recorded call that it is made in, if any.
        outer: The frame around it, which counts again when this one is over.
        nested: What is said of the recorded function that runs inside of that call, and has no call of its own.

    """

    book: Book
    inside: Any = None
    outer: Any = None
    nested: Target | None = None


_frame: ContextVar[Frame | None] = ContextVar("pytest_recorded_frame", default=None)
_tests: list[Frame] = []


def current_frame() -> Frame | None:
    """Return the frame of a call that is being made now, or None if it is nobody's."""
    frame = _frame.get()
    if frame is None:
        frame = getattr(threading.current_thread(), "_recorded_frame", None)
    while frame is not None:
        if frame.book.is_open or frame.book.is_test:
            return frame
        frame = frame.outer
    return running_test()


def running_test() -> Frame | None:
    """Return the frame of the test that is running in this process, or None."""
    return _tests[-1] if _tests else None


def is_left_out_around(kind: str) -> bool:
    """Return whether a call is made inside a call of the same kind that is left out: one library asks through another.

    Both are one call, and are counted once.
    """
    frame = current_frame()
    return frame is not None and frame.inside is not None and frame.inside.call.kind == kind


def innermost() -> Frame | None:
    """Return the frame of this very context, whether it is over or not."""
    return _frame.get()


def enter(frame: Frame | None) -> Token[Frame | None]:
    """Make a frame the current one, until `leave`."""
    return _frame.set(frame)


def framed(book: Book) -> Frame:
    """Return a frame of a book, inside of the current one."""
    return Frame(book, None, _frame.get())


def switch(frame: Frame) -> None:
    """Make a frame the current one, until `switch_back`."""
    _frame.set(frame)


def switch_back(frame: Frame) -> None:
    """Go back to the frame around one that is over, also out of blocks in it that nobody has closed."""
    if _is_in(_frame.get(), frame):
        _frame.set(frame.outer)


@contextmanager
def held(frame: Frame) -> Iterator[None]:
    """Make a frame the current one for one of several steps that have a context in common, or not.

    A block that an earlier step has opened in it is the current one again, and one that this step opens stays.
    """
    before = _frame.get()
    was_in = _is_in(before, frame)
    if not was_in:
        _frame.set(frame)
    try:
        yield
    finally:
        if _frame.get() is frame:
            _frame.set(frame.outer if was_in else before)


def _is_in(inner: Frame | None, frame: Frame) -> bool:
    while inner is not None and inner is not frame:
        inner = inner.outer
    return inner is frame


def leave(token: Token[Frame | None]) -> None:
    """Go back to the frame before `enter`."""
    try:
        _frame.reset(token)
    except ValueError:
        # It ends in another context than it began: a task that tears down what another has set up.
        _frame.set(None if token.old_value is Token.MISSING else token.old_value)


def step_into(book: Book) -> None:
    """Make a book the current one, until `step_out_of`; threads and tasks may step into one book at the same time."""
    _frame.set(framed(book))


def step_out_of(book: Book) -> None:
    """Go back to the frame before the last `step_into`."""
    frame = _frame.get()
    if frame is not None and frame.book is book and frame.inside is None:
        _frame.set(frame.outer)


@contextmanager
def entered(frame: Frame | None) -> Iterator[None]:
    """Make a frame the current one, in this context."""
    token = _frame.set(frame)
    try:
        yield
    finally:
        leave(token)


def push_test(frame: Frame) -> None:
    """Say that a test is running in this process."""
    _tests.append(frame)


def pop_test(frame: Frame) -> None:
    """Say that it is over."""
    if frame in _tests:
        _tests.remove(frame)


def carry_over_threads() -> None:
    """From now on a thread knows the frame of its starter, and an executor's task that of its submitter."""
    if getattr(threading.Thread.start, "_carries_frame", None) is _frame:
        return
    threading.Thread.start = _starting(threading.Thread.start)  # type: ignore[method-assign]
    # An interpreter that is shutting down loads no executor, and needs none.
    with suppress(RuntimeError):
        from concurrent.futures import ThreadPoolExecutor as executor  # noqa: N813, PLC0415 - loaded when it is needed

        executor.submit = _submitting(executor.submit)  # type: ignore[method-assign]


def _starting(start: Callable[..., None]) -> Callable[..., None]:
    def start_in_frame(self: threading.Thread) -> None:
        frame = current_frame()
        # A worker of an executor outlives the task that made it start; its tasks bring their own frames.
        loop = getattr(getattr(self, "_target", None), "__module__", "")
        if frame is not None and loop != "concurrent.futures.thread":
            self._recorded_frame = frame  # type: ignore[attr-defined]
        start(self)

    vars(start_in_frame)["_carries_frame"] = _frame
    return start_in_frame


def _submitting(submit: Callable[..., Any]) -> Callable[..., Any]:
    def submit_in_frame(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        # Some functions want to know who submits them, which the stack of an executor's thread does not tell.
        told = fn.__dict__.get("__submitted__") if isinstance(fn, FunctionType) else None
        if told is not None:
            fn = told()
        frame = current_frame()
        if frame is None:
            return submit(self, fn, *args, **kwargs)
        return submit(self, _run_in_frame, frame, fn, args, kwargs)

    return submit_in_frame


def _run_in_frame(frame: Frame, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    with entered(frame):
        return fn(*args, **kwargs)
