"""A recorded row says with which SDKs and libraries it was made."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import openai
import pytest
import yaml

from pytest_recorded import Recorder, recorder, use_cassette, versions


def installed(*names):
    return {name: metadata.version(name) for name in names}


def chat_completion(server):
    body = (
        b'{"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, '
        b'"finish_reason": "stop", "message": {"role": "assistant", "content": "Rome"}}]}'
    )
    return server.on("/chat/completions", server.reply(body, ("Content-Type", "application/json")))


ASKED = {"model": "m", "messages": [{"role": "user", "content": "?"}]}


def test_a_call_of_an_sdk_names_it_and_the_library_that_it_uses(server, cassette):
    chat_completion(server)
    with cassette() as block, openai.OpenAI(base_url=server.url, api_key="none") as client:
        client.chat.completions.create(**ASKED)
    (job,) = block.jobs
    info = job.info
    assert info.pop("llm") == {"name": "openai.chat"}
    assert info == {"via": "httpx2", "versions": installed("httpx2", "openai")}
    assert job.versions == installed("httpx2", "openai")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_asynchronous_call_of_an_sdk_names_them_too(backend, server, cassette):
    chat_completion(server)

    async def ask():
        async with openai.AsyncOpenAI(base_url=server.url, api_key="none") as client:
            await client.chat.completions.create(**ASKED)

    with cassette() as block:
        anyio.run(ask, backend=backend)
    # Between this test and its coroutine is what runs it.
    own = {name: version for name, version in block.jobs[0].versions.items() if name not in ("anyio", "trio")}
    assert own == installed("httpx2", "openai")


def test_each_client_names_itself_and_nothing_that_runs_the_test(server, cassette, client):
    url = server.on("/x", server.chunked(b"one", b"two"))
    with cassette() as block:
        client.see(url)
    library = client.name.partition("-")[0]
    expected = {"requests": ("requests", "urllib3"), "http.client": (), "urllib": ()}.get(library, (library,))
    found = block.jobs[0].versions
    assert {name: found[name] for name in found if name not in ("anyio", "trio")} == installed(*expected)


def test_a_thread_names_what_calls_in_it(server, cassette):
    url = server.on("/x", server.reply(b"answer"))
    with cassette() as block:
        thread = threading.Thread(target=lambda: httpx.get(url))
        thread.start()
        thread.join()
        # This one has no line of a user's in it.
        bare = threading.Thread(target=httpx.get, args=(url,))
        bare.start()
        bare.join()
    assert [job.versions for job in block.jobs] == [installed("httpx")] * 2


def test_a_replay_does_not_ask_for_versions(server, cassette, monkeypatch):
    url = server.on("/x", server.reply(b"answer"))
    with cassette():
        httpx.get(url)
    monkeypatch.setattr(versions, "_owners", None)
    with cassette("none") as block:
        assert httpx.get(url).text == "answer"
    assert block.jobs[0].versions == installed("httpx")


def test_the_same_answer_from_another_version_keeps_its_row(server, cassette, tmp_path, monkeypatch):
    url = server.on("/x", server.reply(b"answer"))
    with cassette():
        httpx.get(url)
    path = tmp_path / "cassettes" / "jobs.db"
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        owners = {file: ("httpx", "99.9") if owner == ("httpx", metadata.version("httpx")) else owner
                  for file, owner in versions._owners.items()}  # fmt: skip
        patched.setattr(versions, "_owners", owners)
        with cassette("rewrite") as block:
            httpx.get(url)
        assert path.read_bytes() == before
        server.on("/x", server.reply(b"other"))
        with cassette("rewrite") as block:
            httpx.get(url)
    assert block.jobs[0].versions == {"httpx": "99.9"}
    assert path.read_bytes() != before


def test_a_function_of_a_library_names_its_distribution(tmp_path):
    load = recorder(kind="library_versions.load")(yaml.safe_load)
    with use_cassette(tmp_path / "jobs.db") as block:
        load("a: 1")
        load("b: 2", key="named")
    assert [job.versions for job in block.jobs] == [installed("PyYAML")] * 2
    with Recorder(tmp_path / "ledger.db") as ledger:
        load("a: 1")
        assert ledger.jobs[0].versions == installed("PyYAML")


@recorder(kind="library_versions.own")
def own(question):
    return question


def test_a_function_of_the_users_own_has_no_versions(tmp_path):
    with use_cassette(tmp_path / "jobs.db") as block:
        own("a")
    assert (block.jobs[0].info, block.jobs[0].versions) == ({}, {})
    connection = sqlite3.connect(tmp_path / "jobs.db")
    assert connection.execute("SELECT info_json FROM jobs").fetchall() == [(None,)]
    connection.close()


PROBE = """
import sys
sys.path.insert(0, {src!r})
from pytest_recorded.versions import versions_here, version_of
import acme.store, acme.gate, plainlib, edited, vendor, broken, space.one, space.two.deep
for module in (acme.store, acme.gate, plainlib, edited, vendor, broken, space.one, space.two.deep):
    print(module.__name__, version_of(module.call))
print(edited.call(lambda: plainlib.call(versions_here)))
"""


def test_each_way_to_install_a_package_is_told_apart(tmp_path):
    """Packages in a namespace, of another name, installed to be edited, without metadata, and with broken metadata."""
    site, project = tmp_path / "site-packages", tmp_path / "project"
    code = "def call(then=None):\n    return then() if then else None\n"
    for folder, name in (
        (site / "acme", "store"), (site / "acme", "gate"), (site, "plainlib"), (project, "edited"), (site, "vendor"),
        (site, "broken"), (site / "space", "one"), (site / "space" / "two", "deep"),
    ):  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text(code)
    for name, files in (
        ("acme-store", "acme/store.py"), ("Plain", "plainlib.py"), ("edited", "edited.pth"), ("space", "space/one.py"),
        ("Other", "space/two/deep.py"),
    ):  # fmt: skip
        info = site / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "RECORD").write_text(f"{files},,\n")
        (info / "top_level.txt").write_text("plainlib\n" if name == "Plain" else "")
    (site / "broken-1.0.dist-info").mkdir()
    (site / "broken-1.0.dist-info" / "METADATA").write_bytes(b"\xff\xfe")
    src = str(Path(versions.__file__).parents[1])
    (tmp_path / "probe.py").write_text(PROBE.format(src=src))
    done = subprocess.run(
        [sys.executable, "probe.py"], cwd=tmp_path, env={"PYTHONPATH": f"{site}:{project}"}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "acme.store {'acme-store': '1.2'}",
        "acme.gate {}",
        "plainlib {'Plain': '1.2'}",
        "edited {}",
        "vendor {}",
        "broken {}",
        "space.one {'space': '1.2'}",
        "space.two.deep {'Other': '1.2'}",
        "{'Plain': '1.2'}",
    ]
