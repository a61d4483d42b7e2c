"""Beside plugins that have a --record-mode of their own, and beside syrupy."""

from __future__ import annotations

import pytest

TEST = "import pytest, world\n@pytest.mark.recorded('world.ask')\ndef test_x(): world.ask('a')\n"
PEERS = ["pytest_recording.plugin", "cassetter.pytest_plugin"]


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("first", ["peer", "ours"])
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one process", "xdist"])
def test_pytest_starts_beside_a_peer_in_either_order(example, peer, first, workers):
    example.write(test_a=TEST)
    plugins = (peer, "pytest_recorded.plugin") if first == "peer" else ("pytest_recorded.plugin", peer)
    command = [part for plugin in (*plugins, "xdist.plugin") for part in ("-p", plugin)]
    import subprocess  # noqa: PLC0415 - the order of plugins is what is tested, so that the harness cannot help
    import sys  # noqa: PLC0415

    def run(*args: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *command, *workers, *args],
            cwd=example.folder,
            env=example.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    output = run("--recorded-mode=once")
    assert "recorded: 0 replayed, 1 recorded" in output
    assert "--record-mode is another plugin's here, use --recorded-mode" in output
    # The peer's flag is the peer's.
    output = run("--recorded-mode=none", "--record-mode=all")
    assert "recorded: 1 replayed, 0 recorded" in output
    assert "1 passed" in output


def test_beside_syrupy_an_update_of_snapshots_leaves_the_cassette_alone(example):
    example.write(
        test_a="import pytest, world\n@pytest.mark.recorded('world.ask')\n"
        "def test_x(snapshot): assert world.ask('a') == snapshot\n"
    )
    result = example.run("--snapshot-update", plugins=("syrupy",))
    assert result.counts == {"recorded": 1}
    before = example.cassette.read_bytes()
    assert example.run("--snapshot-update", "--record-mode=none", plugins=("syrupy",)).counts == {"replayed": 1}
    assert example.cassette.read_bytes() == before


def test_beside_pytest_randomly_ordered_tests_keep_their_recordings(example):
    head = "import pytest, world\npytestmark = pytest.mark.recorded('world.ask')\n"
    tests = [f"def test_{i}(): world.ask('{i}')\n" for i in range(5)]
    example.write(test_a=head + "".join(tests)).run()
    assert example.write(test_a=head + "".join(reversed(tests))).run("--record-mode=none").counts == {"replayed": 5}
