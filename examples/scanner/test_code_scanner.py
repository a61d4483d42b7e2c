"""A pure function: replayed in a test, served from a file in a program, by the same key, which is that of its text."""

from pathlib import Path

import code_scanner
import pytest
from code_scanner import Finding, Report, Severity, scan, scan_folder

from pytest_recorded import Recorder, use_cassette

RISKY = "def run(text):\n    return eval(text)\n"
SLOPPY = "try:\n    work()\nexcept:\n    pass\n"
CLEAN = "print('hello')\n"
BROKEN = "def :\n"
CASSETTE = Path(__file__).parent / "cassettes" / "jobs.db"


@pytest.fixture
def folder(tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    for name, text in {"clean.py": CLEAN, "risky.py": RISKY, "sloppy.py": SLOPPY, "copy.py": CLEAN}.items():
        (files / name).write_text(text, encoding="utf-8")
    return files


def test_without_the_fixture_or_the_marker_the_function_runs():
    report = scan("try:\n    exec(text)\nexcept:\n    pass\n")
    assert [finding.rule for finding in report.findings] == ["calls exec", "catches everything"]
    assert report.worst is Severity.HIGH


def test_a_report_is_a_typed_value_also_when_it_is_replayed(recorded):
    finding = Finding(line=2, rule="calls eval", severity=Severity.HIGH)
    assert scan(RISKY) == Report(lines=2, worst=Severity.HIGH, findings=[finding])
    recorded.assert_called("scanner.scan", times=1, request={"text": RISKY}, where_data={"worst": "high"})


def test_what_matters_of_the_reports_is_kept(recorded, snapshot):
    for text in (RISKY, SLOPPY, CLEAN):
        scan(text)
    assert recorded.data("scanner.*") == snapshot


def test_the_same_text_is_one_call(recorded):
    finding = Finding(line=1, rule="is no Python", severity=Severity.LOW)
    for _ in range(2):
        assert scan(BROKEN) == Report(lines=1, worst=Severity.LOW, findings=[finding])
    made, served = recorded.calls("scanner.scan")
    assert made.id == served.id


def test_reports_are_found_by_their_data(folder, recorded):
    scan_folder(folder)
    (risky,) = recorded.query(kind="scanner.*", where_data={"worst": "high"})
    assert risky.key == code_scanner.digest(RISKY)
    assert risky.request == {"text": RISKY}


def test_a_block_replays_a_part_of_a_test(folder):
    with use_cassette(CASSETTE) as cassette:
        reports = scan_folder(folder)
    assert [report.worst for report in reports.values()] == [None, None, Severity.HIGH, Severity.LOW]
    assert {job.key for job in cassette.jobs} == set(map(code_scanner.digest, (RISKY, SLOPPY, CLEAN)))


def test_outside_of_a_cassette_a_changed_file_is_a_new_call_and_the_others_are_served(folder, tmp_path):
    with Recorder(tmp_path / "scans.db") as book:
        first = scan_folder(folder)
        assert len(book.jobs) == 3
    (folder / "risky.py").write_text(CLEAN + RISKY, encoding="utf-8")
    with Recorder(tmp_path / "scans.db") as book:
        second = scan_folder(folder)
        assert book.last(1)[0].request == {"text": CLEAN + RISKY}
        assert len(book.jobs) == 4
    changed = [path.name for path in first if first[path] != second[path]]
    assert changed == ["risky.py"]


def test_the_program_scans_a_folder_and_sums_up_all_that_it_has_ever_seen(folder, tmp_path, capsys):
    code_scanner.main(folder, tmp_path / "scans.db")
    assert capsys.readouterr().out.splitlines() == [
        "risky.py:2: calls eval",
        "sloppy.py:3: catches everything",
        "1 of 3 texts that were ever scanned are risky.",
    ]
