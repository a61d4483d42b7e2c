"""The documents are true: every program in them runs, and prints what they say; every table is that of the code."""

from __future__ import annotations

import inspect
import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
import yaml

import sdks
from pytest_recorded import open_jobs
from pytest_recorded.changes.gathering import fails
from pytest_recorded.changes.model import ORDER, ChangeClass
from pytest_recorded.check import CODES
from pytest_recorded.cli.app import app
from pytest_recorded.cli.demo_api import DemoApi
from pytest_recorded.modes import TABLE, Act, Known, RecordMode
from pytest_recorded.options import OPTIONS
from pytest_recorded.report.digest import MEANING
from pytest_recorded.store.schema import CASSETTE, LEDGER
from pytest_recorded.styles import STYLES

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/pytest.ini"))
# A block that has fences in it has a longer one around it.
BLOCK = re.compile(r"^(`{3,})(python|proto|console|sql|text)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|//) ([\w.]+)")
PORTS = ("8001", "50051")
TABLE_OF_SDKS = {sdk.package for sdk in sdks.TABLE} | {"pydantic-ai-slim"}
ANY_LINES, ANY_TEXT = "…", "…"
# Whoever runs the tests, git is that of nobody.
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"} | {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Shop"), ("EMAIL", "shop@example.com"))
}
REPORTS = ("drift-report.html", "drift-report.json", "drift-report.md")
FAIL_ON = next(option for option in OPTIONS if option.name == "fail_on")
LEVELS = ("breaking", "projection", "text", "shape", "any")


def blocks(document):
    return [(match[2], match[3]) for match in BLOCK.finditer(document.read_text(encoding="utf-8"))]


def sessions(text):
    """Return the commands of a console block, each with the lines that it prints."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def matches(expected, printed):
    """Return whether lines were printed: `…` alone stands for any lines, in a line for any text."""
    if not expected:
        return not printed
    if expected[0] == ANY_LINES:
        return any(matches(expected[1:], printed[skipped:]) for skipped in range(len(printed) + 1))
    if not printed:
        return False
    pattern = ".*".join(re.escape(part) for part in expected[0].split(ANY_TEXT))
    return re.fullmatch(pattern, printed[0].rstrip()) is not None and matches(expected[1:], printed[1:])


def free_ports():
    """Return a free port for each one that the documents name."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        return {port: str(bound.getsockname()[1]) for port, bound in zip(PORTS, sockets, strict=True)}


def translated(text, places):
    """Return a text in which each place has its other name, in one pass: one name may be part of another."""
    names = "|".join(map(re.escape, places))
    return re.sub(rf"(?<!\d)(?:{names})(?!\d)", lambda found: places[found[0]], text)


class Terminal:
    """Runs the commands of a document in a folder, with servers of its own.

    Args:
        folder: The folder.
        stack: What ends the commands that are still running in the background.
        places: What stands in the documents, and what it is here.

    """

    def __init__(self, folder, stack, places):
        self.folder = folder
        self._stack = stack
        self._places = places
        self._background = []
        self._clock = 1_700_000_000

    def write(self, name, text):
        """Write a file of the document."""
        (self.folder / name).write_text(translated(text, self._places))
        # Bytecode is told from that of an older file by the time: each file has one of its own, long past.
        self._clock += 10
        os.utime(self.folder / name, (self._clock, self._clock))

    def type(self, command, lines):
        """Run a command, `lines` long where it goes on in the background; return the lines that it prints."""
        if command.startswith("kill %"):
            end(self._background[-1])
            return []
        printed = self._start(command, lines) if command.endswith(" &") else run(command, self.folder)
        documented = {here: there for there, here in self._places.items()}
        return [translated(line, documented) for line in printed]

    def _start(self, command, lines):
        command, environment = here(command.removesuffix(" &"))
        server = subprocess.Popen(
            f"exec {command}", shell=True, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True
        )
        self._stack.callback(end, server)
        self._background.append(server)
        return [server.stdout.readline().rstrip("\n") for _ in range(lines)]


def end(server):
    """End a command that runs in the background."""
    server.terminate()
    server.communicate(timeout=30)


def here(command):
    """Return a command, and its environment, so that it is run by this Python, with our plugin and syrupy only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONDONTWRITE"))}
    environment = kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NO_COLOR": "1"} | GIT
    pytest_command = f"{sys.executable} -m pytest -p pytest_recorded.plugin -p syrupy -p no:cacheprovider"
    command = re.sub(r"\bpytest (?=-|test_)|\bpytest$", f"{pytest_command} ", command)
    command = re.sub(r"(?<![\w/])python (?=[\w-])", f"{sys.executable} ", command)
    command = re.sub(r"^pytest-recorded |(?<=\$\()pytest-recorded ", f"{sys.executable} -m pytest_recorded ", command)
    return command, environment


def run(command, folder):
    command, environment = here(command)
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}  # in their order, as on a terminal
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, **both, text=True, check=False, timeout=60)
    return done.stdout.splitlines()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_examples_of_a_document_print_what_it_says(document, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    with DemoApi() as api, ExitStack() as stack:
        terminal = Terminal(tmp_path, stack, {"http://127.0.0.1:8000": api.url, **free_ports()})
        for language, text in blocks(document):
            if language in ("python", "proto"):
                name = FILE.match(text)
                assert name, f"the first line of a program must name its file:\n{text}"
                terminal.write(name[1], text)
            elif language == "console":
                for command, expected in sessions(text):
                    printed = terminal.type(command, len(expected))
                    assert matches(expected, printed), "\n".join([f"$ {command}", *printed])


def test_every_program_of_the_documents_is_run(tmp_path):
    """A program that no console block mentions by its file, nor pytest collects or imports, would prove nothing."""
    for document in DOCUMENTS:
        found = blocks(document)
        commands = " ".join(text for language, text in found if language == "console")
        programs = [
            match[1] for language, text in found if language == "python" and (match := re.match(r"# ([\w.]+)", text))
        ]
        sources = " ".join(text for language, text in found if language == "python")
        for name in programs:
            module = name.removesuffix(".py")
            used = module in commands or (name.startswith(("test_", "conftest")) and "pytest" in commands)
            assert used or re.search(rf"import .*\b{module}\b|from {module} import", sources), (document.name, name)


def table_after(document, heading):
    text = (ROOT / document).read_text(encoding="utf-8").split(heading, 1)[1]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_modes_is_the_table_of_the_code():
    rows = table_after("README.md", "## Record modes")
    assert rows[0] == ["mode", *(str(known) for known in Known)]
    documented = {row[0]: row[1:] for row in rows[2 : 2 + len(RecordMode)]}
    words = {Act.RETRY: "run again, record the next attempt"}
    expected = {
        mode.value: [words.get(TABLE[mode][known], str(TABLE[mode][known])) for known in Known] for mode in RecordMode
    }
    assert documented == expected


def test_the_table_of_options_is_the_table_of_the_code():
    rows = table_after("README.md", "## Options")
    expected = [[o.flag, o.ini, "" if o.is_of_run else f"{o.name}=", o.help, o.default] for o in OPTIONS]
    assert rows[2 : 2 + len(OPTIONS)] == expected


def test_the_sdks_in_the_documents_are_those_that_are_tested_in_the_versions_that_are_pinned():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    matrix = (ROOT / ".ci" / "matrix").read_text(encoding="utf-8")
    pins = dict(re.findall(r'"([\w-]+)(?:\[\w+\])?==([\d.]+)["; ]', "".join(f'"{pin}" ' for pin in groups["sdks"])))
    pins |= dict(re.findall(r'Row\("(litellm)==([\d.]+) ', matrix))
    rows = table_after("docs/http.md", "## SDKs")
    documented = {row[0]: row[1] for row in rows[2 : 2 + len(TABLE_OF_SDKS)]}
    assert documented == {name: pins[name] for name in TABLE_OF_SDKS}
    for name in set(TABLE_OF_SDKS) - {"litellm"}:
        assert metadata.version(name) == pins[name]


def test_the_schema_in_the_documents_is_the_schema_of_the_code():
    found = [text for language, text in blocks(ROOT / "docs" / "how.md") if language == "sql"]
    assert found == [CASSETTE, LEDGER.split(");\n", 1)[1].splitlines(keepends=True)[0]]


def test_every_command_has_its_place_in_the_page_of_the_command_line():
    """Its help is whole, it is in a heading, and so is each code of `check` in the table."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    headings = " ".join(re.findall(r"^## (.*)$", text, re.MULTILINE))
    for command in app.registered_commands:
        assert re.search(rf"\b{command.name}\b", headings), command.name
        summary = inspect.getdoc(command.callback).splitlines()[0]
        assert re.search(rf"^  {command.name} +{re.escape(summary)}$", text, re.MULTILINE), command.name
    for group in app.registered_groups:
        assert re.search(rf"^  {group.name} +{re.escape(group.typer_instance.info.help)}$", text, re.MULTILINE)
        for command in group.typer_instance.registered_commands:
            assert re.search(rf"\b{group.name} {command.callback.__name__}\b", text), command.callback.__name__
    rows = table_after("docs/cli.md", "## check")
    assert {row[0]: row[1] for row in rows[2 : 2 + len(CODES)]} == CODES


@pytest.fixture(scope="module")
def workflow():
    """The steps of the workflow that verifies on a schedule, by their names."""
    tree = yaml.safe_load((ROOT / "docs" / "verify.yml").read_text(encoding="utf-8"))
    # What YAML 1.1 takes for a truth is the key `on`.
    assert tree[True]["schedule"][0]["cron"].count(" ") == 4
    return {step.get("name", step.get("uses")): step for step in tree["jobs"]["verify"]["steps"]}


def test_the_options_of_the_workflow_are_those_of_the_code(workflow):
    used = re.findall(r"--record-[a-z-]+", workflow["Verify"]["run"])
    assert {"--record-mode", "--record-sample", "--record-budget", "--record-report"} == set(used)
    assert set(used) <= {option.flag for option in OPTIONS}


def test_the_workflow_fails_where_the_world_has_changed_and_leaves_what_its_later_steps_take(workflow, tmp_path):
    test = "import pytest, world\n@pytest.mark.recorded('world.ask')\ndef test_x(): world.ask(1)\n"
    (tmp_path / "test_a.py").write_text(test)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (tmp_path / "world.py").write_text("def ask(q): return {'price': q}\n")
    run("pytest -q", tmp_path)
    # Bytecode is told from that of an older file by its size, too.
    (tmp_path / "world.py").write_text("def ask(q): return {'cost': q + 1}\n")
    # Whose turn it is depends on the day; and a function needs no prices.
    command, environment = here(workflow["Verify"]["run"].replace("10%", "100%"))
    environment |= {"CI": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1, done.stdout + done.stderr
    reports = workflow["Keep the report"]["with"]["path"].split()
    assert [f"--record-report={name}" for name in reports] == re.findall(r"--record-report=\S+", command)
    for name in (*reports, "summary.md"):
        assert "world.ask" in (tmp_path / name).read_text(encoding="utf-8"), name
    assert {word for word in workflow["Tell in an issue"]["run"].split() if word.startswith("report")} <= set(reports)


def test_the_words_of_the_styles_of_bodies_are_those_of_the_code():
    rows = table_after("docs/text.md", "## Bodies of HTTP")
    documented = [word for row in rows[2:] for word in row[0].replace("`", "").split(", ")]
    assert sorted(documented) == sorted({word for name in STYLES for word in name.split()[1:]})


def test_the_readme_names_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install uv && uv run pytest-recorded demo" in text
    assert "\n    uv run pytest " in text


def test_the_first_example_of_the_readme_is_in_examples_with_a_cassette_of_this_repository():
    first = next(text for language, text in blocks(ROOT / "README.md") if language == "python")
    _, _, example = (ROOT / "examples" / "test_assistant.py").read_text(encoding="utf-8").partition("\n\n")
    assert first.partition("\n")[2].strip() == example.strip()
    assert run("pytest-recorded check", ROOT) == ["cassettes/jobs.db: 1 row, nothing found."]


def test_links_between_documents_lead_somewhere():
    pages = (ROOT / "examples").rglob("README.md")
    for document in [*DOCUMENTS, ROOT / "CHANGELOG.md", *pages]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), (document.name, target)


def contents(project):
    """Return the files of a project and what is in them, without what Python compiles."""
    files = (path for path in project.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize("project", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_replayed_in_its_folder_as_its_page_says_and_leaves_nothing_there(project):
    before = contents(project)
    (session,) = [text for language, text in blocks(project / "README.md") if language == "console"]
    for command, expected in sessions(session):
        printed = run(command, project)
        assert matches(expected, printed), "\n".join([f"$ {command}", *printed])
    assert contents(project) == before


@pytest.mark.parametrize("project", EXAMPLES, ids=lambda path: path.name)
def test_the_cassette_of_an_example_is_sound_and_its_tests_ask_for_all_of_it(project):
    with open_jobs(project / "cassettes" / "jobs.db") as jobs:
        rows = len(list(jobs.query(limit=None)))
    assert rows
    assert run("pytest-recorded check", project) == [f"cassettes/jobs.db: {rows} rows, nothing found."]
    # With all plugins that are installed, as whoever types it there has them.
    unused = f"env -u PYTEST_DISABLE_PLUGIN_AUTOLOAD {sys.executable} -m pytest_recorded unused -- -p no:cacheprovider"
    assert run(unused, project) == [f"None of {rows} recordings unused, 0 bytes."]


def test_every_example_has_its_row_in_the_table_of_examples():
    rows = table_after("examples/README.md", "# Examples")
    assert sorted(row[1] for row in rows[2:]) == [f"[{project.name}/]({project.name}/)" for project in EXAMPLES]


def test_the_report_of_what_has_changed_is_what_the_code_gives(tmp_path):
    """As page, as JSON, as Markdown and on the terminal; else `python examples/report.py` makes it again."""
    # Times are shown where they are long enough to be worth a word, as on a busy machine.
    printed = [re.sub(r" +median time .*", "", line) for line in run(f"python examples/report.py {tmp_path}", ROOT)]
    given = {name: (tmp_path / name).read_text(encoding="utf-8") for name in REPORTS}
    assert [name for name, text in given.items() if (ROOT / "docs" / name).read_text(encoding="utf-8") != text] == []
    report = json.loads(given["drift-report.json"])
    jsonschema.validate(report, json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8")))
    assert {change["class"] for call in report["calls"] for change in call["changes"]} >= {
        "breaking", "projection", "text", "shape"
    }  # fmt: skip
    documented = [
        text for page in ("README.md", "docs/drift.md") for kind, text in blocks(ROOT / page) if kind == "text"
    ]
    shown = [
        expected for text in documented for command, expected in sessions(text) if "--record-mode=verify" in command
    ]
    assert len(shown) == 2
    for expected in shown:
        assert matches([*expected, ANY_LINES], printed), "\n".join(printed)


def test_the_table_of_classes_is_the_table_of_the_code():
    rows = table_after("docs/drift.md", "## The classes")
    changed = {each: [SimpleNamespace(change_class=each)] for each in ChangeClass}
    expected = [
        [each, MEANING[each], ", ".join(level for level in LEVELS if fails(changed[each], level))] for each in ORDER
    ]
    assert rows[2 : 2 + len(ORDER)] == expected
    assert ["never", *LEVELS] == sorted(FAIL_ON.choices, key=["never", *LEVELS].index)
    assert not any(fails(calls, "never") for calls in changed.values())
