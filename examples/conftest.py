"""One run of all examples, from the root of the repository: each project keeps a cassette of its own.

A project that is run in its folder does not read this file. Its cassette is then where every project has it by default.
"""

import pytest


@pytest.fixture(scope="module")
def recorded_options(request):
    project = request.path.parent
    return {"cassette": str(project / "cassettes" / "jobs.db")} if (project / "pytest.ini").exists() else {}
