"""Record examples again: the one time that they need the APIs they talk to.

    python examples/record.py                  # all
    python examples/record.py agent llm_app    # some

An answer that is the same keeps its old row: where nothing has changed no file is.
"""

import subprocess
import sys
from pathlib import Path

from servers import Servers

HERE = Path(__file__).resolve().parent
FIRST = "test_assistant.py"
PROJECTS = [FIRST, *sorted(path.parent.name for path in HERE.glob("*/pytest.ini"))]


def record(project: str) -> int:
    """Run a project's tests in its folder, where each of their calls is made; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "--record-mode=rewrite"]
    # The first example is no project: it is replayed from the cassette of the repository.
    arguments, folder = (["-n0", str(HERE / FIRST)], HERE.parent) if project == FIRST else ([], HERE / project)
    return subprocess.call([*command, *arguments], cwd=folder)


if __name__ == "__main__":
    with Servers():
        codes = [record(project) for project in sys.argv[1:] or PROJECTS]
    sys.exit(max(codes))
