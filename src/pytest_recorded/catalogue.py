"""The table of options: how each is called, what it means, where it can be written.

Command line, ini file, marker and docs take their names from here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from .modes import RecordMode

__all__ = ["DEFAULT_CASSETTE", "MATCH", "OPTIONS", "Option"]

DEFAULT_CASSETTE: Final = "cassettes/jobs.db"

# The parts of an HTTP request that its key covers. A header counts when it is named: header:accept.
MATCH: Final = ("method", "url", "query", "body")


class Option(NamedTuple):
    """One option: how it is called and what it means."""

    name: str
    help: str
    default: str
    choices: tuple[str, ...] = ()
    is_list: bool = False
    is_flag: bool = False
    #: Whether it can be given in code only: it takes functions.
    is_code: bool = False
    #: Whether it is about a whole run: then no marker and no fixture has it.
    is_of_run: bool = False

    @property
    def flag(self) -> str:
        """Its name on the command line; `""` if it can be given in code only."""
        return "" if self.is_code else "--record-" + self.name.replace("_", "-")

    @property
    def ini(self) -> str:
        """Its name in an ini file; `""` if it can be given in code only."""
        return "" if self.is_code else "record_" + self.name


OPTIONS: Final = (
    Option(
        "mode",
        "what happens to calls that are recorded, and to calls that are not",
        "once; none when CI is set",
        tuple(RecordMode),
    ),
    Option(
        "cassette",
        "the suite's cassette: a path (relative to where pytest is started; of a fixture to its file; else to the "
        "rootdir), or package:path of one that is installed",
        DEFAULT_CASSETTE,
    ),
    Option(
        "scope",
        "whose a recorded call is: of its test, or of the whole suite (the same request is one row)",
        "test",
        ("test", "suite"),
    ),
    Option(
        "match",
        "the parts of an HTTP request that its key covers: method, url (or scheme, host, port, path), query, body, "
        "header:NAME",
        ",".join(MATCH),
        is_list=True,
    ),
    Option(
        "ignore",
        "what varies in requests and is left out of keys: '$.metadata.time', '$.items[*].id', or 'id' at any depth",
        "",
        is_list=True,
    ),
    Option(
        "redact",
        "further secrets: 'env:NAME', '$.user.ssn', or the name of a field, parameter or header",
        "",
        is_list=True,
    ),
    Option(
        "hosts",
        "of HTTP calls only those to these hosts are recorded, the others run: 'api.openai.com', '*.example.com:8443'",
        "",
        is_list=True,
    ),
    Option("ignore_hosts", "HTTP calls to these hosts are not recorded, they run", "", is_list=True),
    Option(
        "kinds",
        "only calls of these kinds are recorded, the others run: 'orders.*', 'http.api.openai.com'",
        "",
        is_list=True,
    ),
    Option(
        "live",
        "calls of these kinds run, with everything inside of them, whatever is recorded: 'tools.*'",
        "",
        is_list=True,
    ),
    Option(
        "data",
        "a model of what matters about the calls, or a dict of models by globs of kinds: {'http.*': Answer}",
        "",
        is_list=True,
        is_code=True,
    ),
    Option(
        "before_record_request",
        "a function, or several, that gets each HttpRequest before it is stored and returns the one to store",
        "",
        is_list=True,
        is_code=True,
    ),
    Option(
        "before_record_response",
        "the same for each HttpResponse",
        "",
        is_list=True,
        is_code=True,
    ),
    Option("failed", "also take over the calls of tests that failed", "no", is_flag=True),
    Option("block_network", "refuse connections past the recorder, instead of only naming them", "no", is_flag=True),
    Option(
        "allowed_hosts",
        "hosts that may be connected to all the same: 'api.example.com', '*.example.com', '10.0.0.5:80', '10.0.0.0/8'",
        "",
        is_list=True,
    ),
    Option(
        "verify_serve",
        "with which answer a test goes on in mode verify",
        "recorded",
        ("recorded", "live"),
    ),
    Option(
        "no_verify",
        "calls of these kinds are not made again in mode verify: 'orders.*', 'http.smtp.example.com'",
        "",
        is_list=True,
    ),
    Option(
        "list_keys",
        "by which field the items of a list are told apart when answers are compared: '$.items[*].sku'",
        "",
        is_list=True,
    ),
    Option(
        "fail_on",
        "from which class of change on mode verify fails the run",
        "projection",
        ("breaking", "projection", "text", "shape", "any", "never"),
        is_of_run=True,
    ),
    Option(
        "report",
        "write what has changed to this file: .html, .json or .md",
        "",
        is_list=True,
        is_of_run=True,
    ),
    Option(
        "repeat", "how often verify, rewrite and all make each call, to see what varies by itself", "1", is_of_run=True
    ),
    Option("budget", "go live no more when so much is spent: 2.50 (US dollars) or 200calls", "", is_of_run=True),
    Option(
        "sample",
        "verify, rewrite and all run only this share of the tests, each day another: 10%",
        "",
        is_of_run=True,
    ),
    Option("max_age", "name recordings that are older: 12h, 30d, 8w", "", is_of_run=True),
    Option("stale", "what such old recordings do to the run", "warn", ("warn", "fail"), is_of_run=True),
)
