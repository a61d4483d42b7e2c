"""What the plugin costs whoever does not use it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pydantic", "sqlite3", "httpx", "httpx2", "http.client", "typer", "rich", "asyncio", "syrupy")


def test_the_plugin_imports_nothing_heavy():
    """Loading the plugin imports no pydantic, no sqlite3, no HTTP library, no asyncio, beyond what pytest has."""
    script = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport pytest_recorded.plugin\n"
        f"print(sorted(set({HEAVY!r}) & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_imports_no_other_module_of_it():
    """`import pytest_recorded` loads nothing but its __init__."""
    script = "import sys, pytest_recorded\nprint([n for n in sys.modules if n.startswith('pytest_recorded.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_without_recorded_tests_loads_neither_the_store_nor_the_seams(example):
    """Unmarked tests run without sqlite3 being loaded by us, and without a hook around each of them."""
    example.write(
        test_a="import sys\ndef test_x(request):\n"
        "    assert not [n for n in sys.modules if n.startswith(('pytest_recorded.store', 'pytest_recorded.http'))]\n"
        "    names = [name for name, _ in request.config.pluginmanager.list_name_plugin()]\n"
        "    assert not [name for name in names if name.startswith('recorded-')]\n"
    )
    assert example.spawn().outcomes == {"passed": 1}
