"""Record the examples again: the one time that they need the API they talk to."""

import subprocess
import sys
from pathlib import Path

from pytest_recorded.cli.demo_api import DemoApi

if __name__ == "__main__":
    here = Path(__file__).parent
    with DemoApi(port=8000):
        sys.exit(subprocess.call([sys.executable, "-m", "pytest", here, "--record-mode=rewrite"], cwd=here.parent))
