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
PROJECTS = sorted(path.parent.name for path in HERE.glob("*/pytest.ini"))


def record(project: str) -> int:
    """Run a project's tests in its folder, where each of their calls is made; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "--record-mode=rewrite"]
    return subprocess.call(command, cwd=HERE / project)


if __name__ == "__main__":
    with Servers():
        codes = [record(project) for project in sys.argv[1:] or PROJECTS]
    sys.exit(max(codes))
