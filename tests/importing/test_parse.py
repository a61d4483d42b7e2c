"""Files that are broken, hostile or huge: one message each, and nothing is executed."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from pytest_recorded.vcr import parse
from pytest_recorded.vcr.parse import Unreadable, parse_file, parse_text

HOSTILE = [
    "!!python/object/apply:os.system ['touch {mark}']",
    "!!python/object/apply:subprocess.check_call [[touch, '{mark}']]",
    "!!python/object/new:subprocess.Popen [[touch, '{mark}']]",
    "!!python/name:os.system ''",
    "!!python/module:antigravity ''",
    "!!python/object:pathlib.Path {{}}",
    '!!python/object/apply:builtins.eval [\'open("{mark}", "w")\']',
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("place", ["{}", "interactions: [{{request: {{body: {}}}}}]", "? {} \n: 1", "- &a {}\n- *a"])
def test_a_python_object_in_a_file_is_refused_and_nothing_is_executed(body, place, tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(Unreadable, match=r"the tag !!python/\S+ in line 1 stands for a Python object"):
        parse_text(place.format(body.format(mark=mark)), ".yaml")
    assert not mark.exists()


def test_the_tags_that_vcrpy_writes_for_data_are_read_as_data():
    text = """
    file: !!python/object/new:_io.BytesIO
      state: !!python/tuple [!!binary "YSBmaWxl", 0, null]
    iterator: !!python/object/apply:builtins.iter
      args: [[!!binary "YQ==", b]]
      state: 0
    text: !!python/unicode 'é'
    bytes: !!binary "//4="
    """
    assert parse_text(text, ".yml") == {"file": b"a file", "iterator": b"ab", "text": "é", "bytes": b"\xff\xfe"}


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_scalars_without_quotes_are_told_from_those_with_them(loader, monkeypatch):
    """With and without libyaml."""
    if loader == "SafeLoader":
        monkeypatch.delattr(yaml, "CSafeLoader")
    tree = parse_text("a: null\nb: 'null'\nc: \"1\"\nd: 1e5\ne: |\n  x\nf:\n", ".yaml")
    plain = {name: isinstance(value, parse.Plain) for name, value in tree.items()}
    assert plain == {"a": True, "b": False, "c": False, "d": True, "e": False, "f": True}
    assert tree == {"a": "null", "b": "null", "c": "1", "d": "1e5", "e": "x\n", "f": ""}


def bomb(levels):
    lines = ['a0: &a0 ["lol"]']
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


BAD = {
    "empty": ("", "it is empty"),
    "white space": (" \n ", "it is empty"),
    "bomb": (bomb(12), "aliases make it far larger"),
    "endless": ("&a [*a]", "alias \\*a in line 1 stands for nothing"),
    "unknown alias": ("[*a]", "(alias|undefined)"),
    "deep": ("[" * 200_000, "nested deeper than 400 levels"),
    "deep mappings": ("{a: " * 200_000, "nested deeper than 400 levels"),
    "broken": ("a: [1", "no valid YAML"),
    "two documents": ("a: 1\n---\nb: 2", "another document begins in line 2"),
    "control characters": ("a: \x00", "no valid YAML"),
    "key": ("? [a]\n: 1", "a key in line . is no text"),
    "binary": ("a: !!binary 'a'", "no base64"),
    "tab": ("a:\n\t- b", "no valid YAML"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_yaml_file_gets_one_message(name):
    text, message = BAD[name]
    with pytest.raises(Unreadable, match=message) as raised:
        parse_text(text, ".yaml")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        (".json", "{", "no valid JSON"),
        (".json", "[" * 100_000, "nested too deeply"),
        (".json", "1" * 5000, "no valid JSON"),
        (".toml", "a = ", "no valid TOML"),
        (".toml", "a = " + "[" * 100_000, "nested too deeply"),
    ],
    ids=["json", "deep json", "long number", "toml", "deep toml"],
)
def test_a_bad_file_of_another_format_gets_one_message(suffix, text, message):
    with pytest.raises(Unreadable, match=message):
        parse_text(text, suffix)


def test_a_file_that_cannot_be_opened_or_decoded_or_is_huge_says_so(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    with pytest.raises(Unreadable, match="cannot be opened"):
        parse_file(path)
    path.write_bytes(b"a: \xff")
    with pytest.raises(Unreadable, match="not UTF-8"):
        parse_file(path)
    path.write_bytes(b"\xef\xbb\xbfa: b")
    assert parse_file(path) == {"a": "b"}
    monkeypatch.setattr(parse, "_MOST_BYTES", 3)
    with pytest.raises(Unreadable, match="Split it"):
        parse_file(path)


def test_aliases_of_what_two_calls_share_are_read():
    assert parse_text("a: &x {k: [v]}\nb: *x", ".yaml") == {"a": {"k": ["v"]}, "b": {"k": ["v"]}}


def test_without_pyyaml_a_yaml_file_says_what_to_install_and_json_is_read():
    program = (
        "import sys; sys.modules['yaml'] = None\n"
        "from pytest_recorded.vcr.parse import parse_text\n"
        "print(parse_text('[1]', '.json'), parse_text('a = 1', '.toml'))\n"
        "try: parse_text('a: 1', '.yaml')\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[1] {'a': 1}\nYAML needs PyYAML: pip install 'pytest-recorded[vcr]'\n"
