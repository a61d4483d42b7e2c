"""Make the report that docs/drift.md shows: the example `drift`, verified against APIs that have changed.

    python examples/report.py            # docs/drift-report.html, .json, .md, and its picture
    python examples/report.py FOLDER     # into another folder, without the picture

pytest runs in a copy of the example and writes the files, as it does for everybody. One thing is done to them: the
times that were measured are taken out, which are others in each run. So where nothing has changed no
file is another one.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from servers import Servers

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
NAMES = ["drift-report.html", "drift-report.json", "drift-report.md"]
PICTURE = "drift-report.png"
TIMES = re.compile(
    r',?\s*"(?:metrics": \{\s*"latency_ms": \[[^]]*\]\s*\}|latency_ms": \[[^]]*\])'  # JSON
    r'|,?\["(?:median )?time","[^"]*"\]'  # HTML
    r"|( · )?median time [^·\n]*"  # Markdown
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


def verify(project: Path, url: str) -> str:
    """Verify a copy of the example, with this plugin only; return what pytest prints."""
    reports = [f"--record-report={name}" for name in NAMES]
    command = [sys.executable, "-m", "pytest", "-p", "pytest_recorded.plugin", "-q", "--record-mode=verify", *reports]
    left_out = ("PYTEST_", "CI", "GITHUB_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    environment |= {"TRIPS_URL": url, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NO_COLOR": "1", "COLUMNS": "100"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 1:
        sys.exit(f"pytest has ended with {done.returncode}, not with 1:\n{done.stdout}{done.stderr}")
    return done.stdout


def settled(text: str) -> str:
    """Return a report without the times that were measured."""
    return TIMES.sub("", text)


def write(folder: Path) -> str:
    """Write the reports into a folder; return what pytest prints."""
    with tempfile.TemporaryDirectory() as place, Servers(0, version=2) as servers:
        project = Path(place) / "drift"
        shutil.copytree(HERE / "drift", project, ignore=shutil.ignore_patterns(".staging", "__pycache__"))
        printed = verify(project, servers.url)
        while '"$.latency_ms"' in (project / "drift-report.json").read_text(encoding="utf-8"):
            # This machine was so busy that a call took a second, which is a change as well.
            printed = verify(project, servers.url)
        for name in NAMES:
            (folder / name).write_text(settled((project / name).read_text(encoding="utf-8")), encoding="utf-8")
    return printed


def take_picture(page: Path, picture: Path) -> None:
    """Take a picture of a page, if there is a browser for it."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        print(f"there is no chromium to take {picture.name} with")
        return
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    size = ["--window-size=1280,960", "--hide-scrollbars", "--force-device-scale-factor=1"]
    command = [program, "--headless", *sandbox, "--disable-gpu", *size, f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    if sys.argv[1:]:
        print(write(Path(sys.argv[1])))
    else:
        page, picture = DOCS / NAMES[0], DOCS / PICTURE
        before = page.read_bytes() if page.exists() else b""
        print(write(DOCS))
        # A browser may draw one page in more than one way.
        if page.read_bytes() != before or not picture.exists():
            take_picture(page, picture)
