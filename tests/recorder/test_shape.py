"""A decorated function looks like the function itself."""

from __future__ import annotations

import functools
import inspect
import pickle
from typing import TYPE_CHECKING

import pytest

from pytest_recorded import ConfigurationError, RecordedWarning, recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def plain(order: str, *, amount: int = 1) -> dict:
    """Place an order."""
    return {"order": order, "amount": amount}


async def coroutine(order: str) -> str:
    """Place an order, some time."""
    return order


def generator(order: str) -> Iterator[str]:
    """Follow an order."""
    yield order


async def async_generator(order: str) -> AsyncIterator[str]:
    """Follow an order, some time."""
    yield order


FLAVOURS = [plain, coroutine, generator, async_generator]
KINDS = {
    "coroutine function": inspect.iscoroutinefunction,
    "generator function": inspect.isgeneratorfunction,
    "asynchronous generator function": inspect.isasyncgenfunction,
    "function": inspect.isfunction,
}

recorded_plain = recorder(plain)


@recorder
def placed(order: str) -> str:
    return order


class Shop:
    def __init__(self, name="corner"):
        self.name = name

    @recorder
    def ask(self, question):
        return f"{self.name}: {question}"

    @recorder(kind="shop.static.above")
    @staticmethod
    def static_above(cls, x):  # noqa: PLW0211 - its name is the point
        return [cls, x]

    @staticmethod
    @recorder(kind="shop.static.below")
    def static_below(x):
        return [x]

    @recorder(kind="shop.class.above")
    @classmethod
    def class_above(cls, x):
        return [cls.__name__, x]

    @classmethod
    @recorder(kind="shop.class.below")
    def class_below(cls, x):
        return [cls.__name__, x]

    @recorder
    async def aask(self, question):
        return f"{self.name}: {question}"


class Answering:
    def __call__(self, question: str) -> str:
        """Answer."""
        return question.upper()


class AsyncAnswering:
    async def __call__(self, question: str) -> str:
        return question.upper()


@pytest.mark.parametrize("fn", FLAVOURS)
@pytest.mark.parametrize("has_arguments", [False, True], ids=["bare", "with arguments"])
def test_signature_docstring_name_and_annotations_are_kept(fn, has_arguments):
    decorated = recorder(kind=f"shape.{fn.__name__}")(fn) if has_arguments else recorder(fn)
    assert inspect.signature(decorated) == inspect.signature(fn)
    for name in ("__doc__", "__name__", "__qualname__", "__module__", "__annotations__"):
        assert getattr(decorated, name) == getattr(fn, name)
    assert decorated.__wrapped__ is fn


@pytest.mark.parametrize("fn", FLAVOURS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_function_is_kept(fn, kind):
    assert KINDS[kind](recorder(fn)) == KINDS[kind](fn)


@pytest.mark.parametrize("fn", [functools.partial(coroutine), AsyncAnswering()], ids=["partial", "instance"])
def test_what_is_called_and_awaited_becomes_a_coroutine_function(fn):
    assert inspect.iscoroutinefunction(recorder(fn))


def test_a_decorated_function_is_pickled_by_its_name():
    assert pickle.loads(pickle.dumps(placed)) is placed


@pytest.mark.parametrize("path", ["static_above", "static_below", "class_above", "class_below"])
def test_static_and_class_methods_stay_what_they_are_whichever_decorator_is_above(path):
    bare = staticmethod if "static" in path else classmethod
    assert isinstance(inspect.getattr_static(Shop, path), bare)


def test_a_method_is_called_on_its_instance(rec):
    assert Shop().ask("open?") == "corner: open?"
    assert rec.jobs[0].request == {"question": "open?"}


def test_static_and_class_methods_are_called_as_ever(rec):
    assert Shop.class_above(1) == Shop.class_below(1) == ["Shop", 1]
    assert Shop.static_below(1) == Shop().static_below(1) == [1]
    assert [job.request for job in rec.jobs] == [{"x": 1}] * 4


def test_the_first_argument_of_a_static_method_is_part_of_the_request_even_if_it_is_called_cls(rec):
    assert Shop.static_above("a", 1) == ["a", 1]
    assert rec.jobs[0].request == {"cls": "a", "x": 1}


def test_the_first_argument_of_a_bound_method_is_part_of_the_request(rec):
    """Its instance is bound already; what comes first in the call is a real argument."""
    decorated = recorder(kind="shop.bound")(Shop.ask.__wrapped__.__get__(Shop("bound")))
    assert decorated("open?") == "bound: open?"
    assert rec.jobs[0].request == {"question": "open?"}


def test_a_subclass_inherits_a_recorded_method_and_can_call_it_through_super(rec):
    class Kiosk(Shop):
        def ask(self, question):
            return super().ask(question + "!")

    assert Kiosk("kiosk").ask("open?") == "kiosk: open?!"
    assert rec.jobs[0].kind == f"{__name__}.Shop.ask"


@pytest.mark.parametrize(
    ("fn", "args", "kwargs", "answer", "request_"),
    [
        (functools.partial(plain, "a"), (), {"amount": 2}, {"order": "a", "amount": 2}, {"order": "a", "amount": 2}),
        (functools.partial(plain, amount=7), ("b",), {}, {"order": "b", "amount": 7}, {"order": "b", "amount": 7}),
        (functools.partial(Shop.ask.__wrapped__, Shop()), ("?",), {}, "corner: ?", {"question": "?"}),
        (Answering(), ("yes",), {}, "YES", {"question": "yes"}),
        (lambda x, /, *rest, **more: [x, rest, more], (1, 2), {"y": 3}, [1, (2,), {"y": 3}], None),
        (len, ([1, 2],), {}, 2, {"obj": [1, 2]}),
        (str.upper, ("a",), {}, "A", {"self": "a"}),
        (max, (1, 2), {}, 2, {"args": [1, 2], "kwargs": {}}),
    ],
    ids=["partial", "partial keyword", "partial method", "instance", "lambda", "built-in", "descriptor", "unsigned"],
)
def test_whatever_is_callable_can_be_recorded(rec, request, fn, args, kwargs, answer, request_):
    decorated = recorder(kind=f"anything.{request.node.callspec.id}")(fn)
    assert decorated(*args, **kwargs) == answer
    assert rec.jobs[0].response == answer
    if request_ is not None:
        assert rec.jobs[0].request == request_


def test_two_partials_of_one_function_make_different_requests(rec):
    """What a partial function has already is part of what is asked."""
    first, second = recorder(functools.partial(plain, "a")), recorder(functools.partial(plain, "b"))
    first(key="one")
    with pytest.warns(RecordedWarning, match="another request"):
        second(key="one")


def test_the_arguments_of_a_call_are_its_request_by_name_with_the_defaults(rec):
    decorated = recorder(plain)
    for call in (lambda: decorated("a"), lambda: decorated(order="a"), lambda: decorated("a", amount=1)):
        call()
    assert [job.request for job in rec.jobs] == [{"order": "a", "amount": 1}] * 3


def test_a_class_a_property_and_a_value_are_refused_when_they_are_decorated():
    for wrong, said in ((Shop, "is a class"), (property(plain), "not callable"), (3, "not callable")):
        with pytest.raises(ConfigurationError, match=said):
            recorder(wrong)


def test_a_kind_is_module_and_qualified_name_unless_it_is_given(rec):
    recorded_plain("a")
    recorder(kind="orders.place")(plain)("a")
    assert [job.kind for job in rec.jobs] == [f"{__name__}.plain", "orders.place"]


def test_the_kinds_of_http_calls_are_refused():
    with pytest.raises(ConfigurationError, match=r"begins with 'http\.'.*'api\.shop'"):
        recorder(kind="http.shop")


def test_two_functions_with_one_kind_warn_where_the_second_is_decorated():
    recorder(kind="shape.twice")(plain)
    with pytest.warns(RecordedWarning, match=r"plain and .*placed are both recorded as 'shape\.twice'") as caught:
        recorder(kind="shape.twice")(placed.__wrapped__)
    assert caught[0].filename == __file__


def test_decorating_a_function_again_does_not_warn():
    recorder(kind="shape.again")(plain)
    recorder(kind="shape.again")(plain)


def test_an_unknown_argument_lists_the_good_ones():
    with pytest.raises(ConfigurationError, match=r"no argument 'dta'\. Did you mean 'data'\? It takes: data, error"):
        recorder(dta=dict)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"key": "fixed"}, "is no function"),
        ({"data": int}, "data=<class 'int'> is no model"),
        ({"response": "Order"}, "response='Order' is no model"),
        ({"ignore": "$.a["}, "is no path"),
        ({"ignore": [3]}, "takes a list of strings"),
        ({"redact": [""]}, "names no secret"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_when_the_function_is_decorated(arguments, said):
    with pytest.raises(ConfigurationError, match=said.replace("[", r"\[")):
        recorder(**arguments)
