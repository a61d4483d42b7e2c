"""When a library is patched: once, as soon as it is loaded, and never because of us."""

from __future__ import annotations

import http.client
import importlib
import subprocess
import sys
import textwrap
import urllib.request

import httpx
import httpx2
import pytest

from pytest_recorded.http import listen


@pytest.fixture
def run(tmp_path):
    """Run a program in an interpreter of its own."""

    def run_program(text, *args):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(text), *args],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run_program


LATE = """
    import sys
    from pytest_recorded import use_cassette
    url, mode, how = sys.argv[1:]
    assert not {"aiohttp", "httpx", "httpx2", "http.client", "urllib3"} & set(sys.modules)
    with use_cassette("cassettes/jobs.db", mode=mode) as block:
        if how == "urllib":
            import urllib.request
            text = urllib.request.urlopen(url).read().decode()
        elif how == "urllib3":
            import urllib3
            text = urllib3.PoolManager().request("GET", url).data.decode()
        elif how == "aiohttp":
            import asyncio, aiohttp
            async def ask():
                async with aiohttp.request("GET", url) as response:
                    return await response.text()
            text = asyncio.run(ask())
        elif how == "from":
            from httpx2 import Client
            text = Client().get(url).text
        elif how == "in a thread":
            import threading
            found = []
            def ask():
                import httpx
                found.append(httpx.get(url).text)
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
            text = found[0]
        else:
            text = __import__(how).get(url).text
    print(text, block.play_count)
"""


@pytest.mark.parametrize("how", ["httpx", "httpx2", "urllib", "urllib3", "requests", "aiohttp", "from", "in a thread"])
def test_a_library_imported_inside_a_block_is_recorded(how, run, server):
    url = server.on("/x", server.reply(b"late"))
    assert run(LATE, url, "once", how) == "late 0"
    assert run(LATE, url, "none", how) == "late 1"
    assert server.count == 1


def test_nothing_is_imported_for_a_block(run):
    loaded = run(
        """
        import sys
        from pytest_recorded import use_cassette
        with use_cassette("cassettes/jobs.db", mode="once"):
            pass
        names = ("aiohttp", "httpx", "httpx2", "http.client", "urllib3", "urllib.request", "trio", "anyio", "pydantic")
        print(*sorted(name for name in names if name in sys.modules))
        """
    )
    assert loaded == ""


def test_a_library_imported_late_is_what_it_would_have_been(run):
    run(
        """
        import importlib.resources, inspect, sys
        from pytest_recorded.http import listen
        listen()
        import httpx
        assert httpx.__spec__.loader is httpx.__loader__
        assert "exec_module" not in vars(httpx.__loader__)
        assert inspect.getsource(httpx).startswith("from .__version__")
        assert importlib.resources.files("httpx").joinpath("__init__.py").is_file()
        """
    )


def test_a_library_that_fails_to_import_fails_as_ever(run, tmp_path):
    (tmp_path / "httpx").mkdir()
    (tmp_path / "httpx" / "__init__.py").write_text("raise ImportError('broken')")
    run(
        """
        import sys
        sys.path.insert(0, "")
        from pytest_recorded.http import listen
        listen()
        for _ in range(2):
            try:
                import httpx
            except ImportError as error:
                assert str(error) == "broken"
            else:
                raise AssertionError
        """
    )


def test_something_else_by_the_name_of_a_library_is_left_alone(run, tmp_path):
    (tmp_path / "httpx.py").write_text("get = 'mine'")
    run(
        """
        import sys
        sys.path.insert(0, "")
        import httpx
        from pytest_recorded.http import listen
        listen()
        listen()
        assert httpx.get == 'mine'
        """
    )


def test_a_library_that_is_not_installed_is_not_found_as_ever(run):
    run(
        """
        import importlib.util, sys
        from pytest_recorded.http import listen
        listen()
        sys.path[:] = [path for path in sys.path if "site-packages" not in path]
        assert importlib.util.find_spec("httpx2") is None
        try:
            import httpx2
        except ModuleNotFoundError as error:
            assert error.name == "httpx2"
        """
    )


def test_listening_twice_patches_once():
    listen()
    before = (
        httpx.Client._transport_for_url,
        httpx2.AsyncClient._transport_for_url,
        http.client.HTTPConnection.send,
        http.client.HTTPConnection.connect,
        http.client.HTTPSConnection.connect,
        len(sys.meta_path),
    )
    listen()
    assert before == (
        httpx.Client._transport_for_url,
        httpx2.AsyncClient._transport_for_url,
        http.client.HTTPConnection.send,
        http.client.HTTPConnection.connect,
        http.client.HTTPSConnection.connect,
        len(sys.meta_path),
    )


def test_a_library_that_was_forgotten_and_loaded_anew_is_patched_anew(server, cassette, monkeypatch):
    url = server.on("/x", server.reply(b"anew"))
    listen()
    for name in [name for name in sys.modules if name.partition(".")[0] == "httpx"]:
        monkeypatch.delitem(sys.modules, name)
    again = importlib.import_module("httpx")
    assert again is not httpx
    for mode in ("once", "none"):
        with cassette(mode) as block:
            assert again.get(url, trust_env=False).text == "anew"
            assert httpx.get(url, trust_env=False).text == "anew"
            assert len(block) == 2
        server.stop()


@pytest.mark.parametrize("how", ["httpx", "httpx2", "urllib"])
def test_outside_of_a_block_calls_pass_untouched(how, server, cassette):
    url = server.on("/x", server.reply(b"live"))
    with cassette():
        pass
    for _ in range(2):
        if how == "urllib":
            with urllib.request.urlopen(url) as response:
                assert response.read() == b"live"
        else:
            assert {"httpx": httpx, "httpx2": httpx2}[how].get(url, trust_env=False).text == "live"
    assert server.count == 2


@pytest.mark.parametrize("mode", ["off", "once"])
def test_inside_a_recorded_function_its_calls_are_not_recorded_again(mode, server, cassette):
    from pytest_recorded import recorder  # noqa: PLC0415

    url = server.on("/x", server.reply(b"inner"))

    @recorder(kind="outer")
    def outer():
        with urllib.request.urlopen(url) as response:
            return httpx.get(url, trust_env=False).text + response.read().decode()

    with cassette(mode) as block:
        assert outer() == "innerinner"
        assert [job.kind for job in block.jobs] == ([] if mode == "off" else ["outer"])
