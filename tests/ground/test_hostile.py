"""What a stranger may have written into a file that is replayed: it is data or refused, and nothing of it runs."""

from __future__ import annotations

import enum
import json
import math
import sys
from dataclasses import dataclass
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_recorded.codec import _UNPACKERS, load, load_error
from pytest_recorded.errors import RecordedFailure, SerializationError
from pytest_recorded.message import HttpRequest, HttpResponse
from pytest_recorded.objects import Types


@dataclass
class Node:
    item: Any = None


class Leaf(pydantic.BaseModel):
    item: int = 0


class Label(enum.Enum):
    NEW = 1


class ShopError(Exception):
    pass


KNOWN = Types([Node, Leaf, Label, ShopError])
NAMES = [f"{cls.__module__}.{cls.__qualname__}" for cls in (Node, Leaf, Label, ShopError)]

# What a text would have to reach to do harm: each announces itself to audit hooks.
HARM = ("import", "exec", "compile", "open", "code.", "function.", "marshal.", "pickle.", "ctypes.", "os.", "shutil.",
        "socket.", "subprocess.", "pty.", "webbrowser.", "builtins.input", "sqlite3.")  # fmt: skip


class Watch:
    """Notes what Python does while it is on. An audit hook cannot be taken away, so there is one that is mostly off."""

    def __init__(self):
        self.seen = []
        self._is_on = False
        sys.addaudithook(self._hook)

    def _hook(self, event, args):
        if self._is_on and event.startswith(HARM):
            self.seen.append((event, args))

    def __enter__(self):
        self.seen = []
        self._is_on = True
        return self

    def __exit__(self, *_exc):
        self._is_on = False


@pytest.fixture(scope="session", name="watch")
def _watch():
    return Watch()


def refusal(read, *args):
    """Return the problem and the path with which a value is refused."""
    with pytest.raises(SerializationError) as caught:
        read(*args)
    return caught.value.problem, caught.value.path


# The text, where the misfit is, and what is said of it.
BROKEN = {
    "nothing": ("", "$", "not JSON (Expecting value"),
    "words": ("import os", "$", "not JSON (Expecting value"),
    "unfinished": ('{"a": [1', "$", "not JSON (Expecting ',' delimiter"),
    "two-values": ("{}{}", "$", "not JSON (Extra data"),
    "single-quotes": ("{'a': 1}", "$", "not JSON (Expecting property name"),
    "unknown-tag": ('[{"py:run":"x"}]', "$[0]", "the tag 'py:run' is not known; the file may come from a newer"),
    "empty-tag": ('{"a b":{"py:":1}}', "$['a b']", "the tag 'py:' is not known"),
    "tuple-of-text": ('{"py:tuple":"abc"}', "$", "'py:tuple' does not fit (it must be a list, not str)"),
    "set-of-lists": ('{"py:set":[[1]]}', "$", "'py:set' does not fit (unhashable type: 'list')"),
    "set-of-an-object": ('{"py:frozenset":{"a":1}}', "$", "it must be a list, not dict"),
    "dict-of-numbers": ('{"py:dict":[1]}', "$", "it must be a list, not int"),
    "dict-of-too-much": ('{"py:dict":[{"a":1,"b":2}]}', "$", "too many values"),
    "dict-with-a-bad-item": ('{"py:dict":[{"a":{"py:int":1}}]}', "$['a']", "it must be a string, not int"),
    "bytes-of-a-number": ('{"py:bytes":7}', "$", "it must be a string, not int"),
    "bytes-that-are-no-base64": ('{"py:bytes":"a!"}', "$", "'py:bytes' does not fit"),
    "bytes-with-a-surrogate": (r'{"py:bytes":["\ud800"]}', "$", "surrogates not allowed"),
    "float": ('{"py:float":"1e5"}', "$", "it must be 'nan', 'inf' or '-inf'"),
    "int": ('{"py:int":"0xfg"}', "$", "'py:int' does not fit"),
    "decimal": ('{"py:decimal":"1,5"}', "$", "'py:decimal' does not fit"),
    "decimal-beyond-all": (f'{{"py:decimal":"1E+{"9" * 30}"}}', "$", "'py:decimal' does not fit"),
    "uuid": ('{"a":[{"py:uuid":"123"}]}', "$.a[0]", "badly formed hexadecimal UUID string"),
    "date": ('{"py:date":"2020-13-01"}', "$", "'py:date' does not fit"),
    "datetime": ('{"py:datetime":["2020-01-01",null,2]}', "$", "fold must be either 0 or 1"),
    "time": ('{"py:time":"12:00"}', "$", "'py:time' does not fit"),
    "timedelta": ('{"py:timedelta":[1e308]}', "$", "'py:timedelta' does not fit"),
    "zone-elsewhere": ('{"py:datetime":["2020-01-01","../../etc/passwd",0]}', "$", "it is no name of a time zone"),
    "zone-absolute": ('{"py:datetime":["2020-01-01","/etc/passwd",0]}', "$", "it is no name of a time zone"),
    "path-of-a-kind": ('{"py:path":["os.system","x"]}', "$", "'py:path' does not fit"),
    "complex": ('{"py:complex":[1,2,3]}', "$", "'py:complex' does not fit"),
    "object-of-nothing": ('{"py:object":{}}', "$", "'py:object' does not fit ('class')"),
    "object-of-a-list": (f'{{"py:object":{{"class":"{NAMES[0]}","fields":[1]}}}}', "$", "no attribute 'items'"),
    "object-without-a-name": ('{"py:object":{"class":["a"],"fields":{}}}', "$", "the class ['a'] is not known here"),
    "enum-of-nothing": ('{"py:enum":[]}', "$", "'py:enum' does not fit"),
    "enum-of-a-list": (f'{{"py:enum":["{NAMES[2]}",[]]}}', "$", "unhashable type: 'list'"),
    "enum-of-an-error": (f'{{"py:enum":["{NAMES[3]}","args"]}}', "$", "is no enumeration any more"),
    "object-of-an-enum": (f'{{"py:object":{{"class":"{NAMES[2]}"}}}}', "$", "is no dataclass, pydantic model or named"),
    "error-without-a-type": ('{"py:error":{"args":[]}}', "$", "'py:error' does not fit ('type')"),
    "error-of-a-number": ('{"py:error":{"type":5}}', "$", "the class name of an exception must be a string, not int"),
    "error-inside": ('{"py:error":{"type":"ValueError","args":[{"py:int":2}]}}', "$.args[0]", "it must be a string"),
    "error-with-odd-notes": ('{"py:error":{"type":"ValueError","notes":5}}', "$", "'int' object is not iterable"),
    "group-of-numbers": ('{"py:error":{"type":"ExceptionGroup","args":["x",[1]]}}', "$", "is not an exception"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_fit_is_refused_with_the_place_and_the_reason(name):
    text, path, problem = BROKEN[name]
    said, where = refusal(load, text, KNOWN)
    assert (where, problem in said) == (path, True), said


@pytest.mark.parametrize("value", [None, b"{}", 5, ["[]"]], ids=["none", "bytes", "number", "list"])
def test_what_is_no_text_is_refused(value):
    assert refusal(load, value) == (f"the stored text is {type(value).__name__}, not text", "$")


CALLABLES = ["os.system", "subprocess.Popen", "builtins.eval", "builtins.exec", "builtins.__import__",
             "builtins.object", "builtins.type", "antigravity.fly", "this.s", "pickle.loads", "ctypes.CDLL",
             "importlib.import_module", "__main__.os", "pytest.exit", "os.path.join.__globals__", "", ".",
             "..eval"]  # fmt: skip


@pytest.mark.parametrize("name", CALLABLES)
def test_the_name_of_something_that_could_be_called_calls_nothing(watch, name):
    """The modules that are named are not loaded, and what is loaded already is not reached."""
    call = {"class": name, "fields": {"args": ["id"], "shell": True}, "extra": {"__reduce__": [name, ["id"]]}}
    error = {"type": name, "message": "x", "args": ["touch /tmp/x"], "state": {"__class__": name}}
    loaded = set(sys.modules)
    with watch:
        for content in ({"py:object": call}, {"py:enum": [name, "id"]}):
            assert f"the class {name} is not known here. Make it known" in refusal(load, json.dumps(content), KNOWN)[0]
        for made in (load(json.dumps({"py:error": error}), KNOWN), load_error(json.dumps(error), KNOWN)):
            assert (type(made), made.type_name, made.message) == (RecordedFailure, name, "x")
    assert watch.seen == []
    assert set(sys.modules) == loaded


def test_an_exception_of_python_that_is_not_loaded_is_not_loaded_for_a_files_sake(watch):
    assert "mailbox" not in sys.modules
    with watch:
        error = load_error('{"type":"mailbox.NoSuchMailboxError","message":"x"}', KNOWN)
    assert (type(error), watch.seen, "mailbox" in sys.modules) == (RecordedFailure, [], False)


def test_what_a_text_says_of_an_object_replaces_no_part_of_its_class():
    state = {"__class__": "x", "__dict__": 1, "args": [1], "__traceback__": 2, "with_traceback": 3}
    error = load_error(json.dumps({"type": NAMES[3], "args": ["a"], "state": state}), KNOWN)
    assert (type(error), error.args, error.__traceback__) == (ShopError, ("a",), None)
    made = load(json.dumps({"py:object": {"class": NAMES[0], "fields": {"__class__": 1}, "extra": state}}), KNOWN)
    assert (type(made), made) == (Node, Node())


BOMBS = {
    "lists": ("[", "]"),
    "dicts": ('{"a":', "}"),
    "tuples": ('{"py:tuple":[', "]}"),
    "keys": ('{"py:dict":[[{"py:tuple":[', "]},1]]}"),
    "objects": (f'{{"py:object":{{"class":"{NAMES[0]}","fields":{{"item":', "}}}"),
    "errors": ('{"py:error":{"type":"ValueError","args":[', "]}}"),
    "unclosed": ("[", ""),
    "unclosed-tags": ('{"py:tuple":', ""),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("depth", [400, 100_000])
def test_a_text_nested_too_deeply_is_refused_and_never_a_recursion_error(bomb, depth):
    head, tail = BOMBS[bomb]
    try:
        load(head * depth + "1" + tail * depth, KNOWN)
    except SerializationError as refused:
        problem = refused.problem
    else:
        problem = "nested too deeply" if depth < 1000 else ""
    if depth > 1000:
        assert problem == "the stored text is nested too deeply to be read"
    assert "nested too deeply" in problem or bomb in ("keys", "unclosed", "unclosed-tags")


@pytest.mark.parametrize("bomb", ["lists", "dicts", "tuples", "objects", "errors"])
def test_ten_levels_are_no_bomb(bomb):
    head, tail = BOMBS[bomb]
    load(head * 10 + "1" + tail * 10, KNOWN)


def test_a_request_that_is_nested_too_deeply_is_refused():
    tree = {}
    for _ in range(100_000):
        tree = {"a": tree}
    problem, _ = refusal(HttpRequest.from_tree, {"method": "GET", "url": "http://a.example", "json": tree})
    assert "the stored request is no HTTP request (RecursionError" in problem


def test_huge_numbers_are_numbers_or_refused():
    assert load("1e999") == math.inf
    assert load('{"py:int":"' + "f" * 1_000_000 + '"}').bit_length() == 4_000_000
    assert "Exceeds the limit (4300 digits)" in refusal(load, "9" * 5000)[0]
    assert load('{"py:set":[{"py:decimal":"1E+999999999999999999"}]}')


def test_the_last_of_several_equal_keys_counts_tags_included():
    assert load('{"a":1,"a":2}') == {"a": 2}
    assert load('{"py:tuple":[1],"py:tuple":[2]}') == (2,)
    assert load('{"py:dict":[{"a":1},["a",2],{"a":3}]}') == {"a": 3}


def test_what_json_has_not_got_but_python_reads_is_a_plain_value():
    assert [str(number) for number in load("[NaN,Infinity,-Infinity]")] == ["nan", "inf", "-inf"]
    assert load(r'{"\ud800":"\udc00"}') == {"\ud800": "\udc00"}


def test_white_space_around_json_is_no_misfit():
    assert load(' \n\t{"a": {"py:tuple": [1]}}\r\n') == {"a": (1,)}


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(tree)
        for tree in (
            {"py:" + LONG: 1},
            {"py:object": {"class": LONG}},
            {"py:object": {"class": [LONG]}},
            {"py:uuid": [LONG]},
            {"py:enum": [NAMES[2], LONG]},
            {"py:enum": [LONG, "x"]},
        )
    ],
    ids=["tag", "class", "list", "content", "member", "enum"],
)
def test_a_refusal_is_short_however_long_the_text_is(text):
    assert len(refusal(load, text, KNOWN)[0]) < 600


def test_a_name_of_a_million_parts_is_looked_up_as_fast_as_any():
    """Time that grew with the square of its length would be half an hour here."""
    name = "a." * 1_000_000 + "Node"
    assert load(json.dumps({"py:object": {"class": name, "fields": {"item": 1}}}), KNOWN) == Node(1)


PLAIN = {"status": 200, "reason": "OK", "http_version": "HTTP/1.1", "headers": [], "body": ""}


@pytest.mark.parametrize("tree", [None, 5, "x", [], {}, [PLAIN], {"status": 200}], ids=ascii)
def test_what_is_no_object_of_that_kind_is_no_response(tree):
    assert "the stored response is no HTTP response (" in refusal(HttpResponse.from_tree, tree)[0]


@pytest.mark.parametrize(
    "part",
    [{"body": 5}, {"body": {}}, {"body": {"py:bytes": 5}}, {"body": {"py:bytes": "é"}}, {"body": "\ud800"},
     {"status": "ok"}, {"status": math.inf}, {"status": "9" * 5000}, {"headers": 5}, {"headers": [["a"]]},
     {"headers": ["abc"]}, {"chunks": [[1]]}, {"chunks": [["x", 1]]}, {"chunks": [[0, math.inf]]}],
    ids=lambda part: ascii(part)[:40],
)  # fmt: skip
def test_a_stored_response_with_an_odd_part_is_refused(part):
    assert "the stored response is no HTTP response (" in refusal(HttpResponse.from_tree, PLAIN | part)[0]


@pytest.mark.parametrize(
    "tree",
    [None, 5, "x", [], {}, {"method": "GET"}, {"url": "http://a.example"}, {"method": "GET", "url": "", "headers": 5},
     {"method": "GET", "url": "", "headers": [["a"]]}, {"method": "GET", "url": "", "bytes": "€"}],
    ids=ascii,
)  # fmt: skip
def test_a_stored_request_that_is_none_is_refused(tree):
    assert "the stored request is no HTTP request (" in refusal(HttpRequest.from_tree, tree)[0]


tags = st.sampled_from([*_UNPACKERS, "py:", "py:code", "a", "class", "fields", "type", "args", "state", "notes"])
words = st.sampled_from([*NAMES, *CALLABLES, "ValueError", "builtins.OSError", "ExceptionGroup", "nan", "0x1f",
                         "YWJj", "2020-01-02", "PosixPath", "NEW", "item", "Europe/Berlin", "os/path", "\ud800",
                         "utf-8"])  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | words
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(tags, inner, max_size=1)
    | st.dictionaries(tags | words, inner, max_size=4)
    | st.fixed_dictionaries({"py:error": st.fixed_dictionaries({"type": words, "args": st.lists(inner, max_size=3)})})
    | st.fixed_dictionaries({"py:object": st.fixed_dictionaries(
        {"class": words}, optional=dict.fromkeys(("fields", "extra", "private", "unset"), inner))}),
    max_leaves=12,
)  # fmt: skip


def is_about_zones(event):
    """Return whether something was done to look up a time zone, which is a file of the system's."""
    return any("zoneinfo" in str(arg) or "tzdata" in str(arg) for arg in event[1])


@settings(max_examples=300)
@given(tree=trees)
def test_whatever_is_tagged_loads_or_is_refused_and_nothing_of_it_runs(watch, tree):
    text, loaded = json.dumps(tree), set(sys.modules)
    with watch:
        for read in (load, load_error):
            try:
                read(text, KNOWN)
            except SerializationError as refused:
                assert str(refused).startswith("$")  # noqa: PT017 - it may be raised or not
        for of_tree in (HttpRequest.from_tree, HttpResponse.from_tree):
            with pytest.raises(SerializationError):
                of_tree(tree)
    assert [event for event in watch.seen if not is_about_zones(event)] == []
    assert {
        name for name in set(sys.modules) - loaded if not name.startswith(("zoneinfo", "tzdata", "importlib"))
    } == set()
