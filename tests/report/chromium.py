"""A headless Chromium, driven through its DevTools protocol: what a reader does with a page, and what he sees."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from itertools import count

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LISTENING = "DevTools listening on "
PATIENCE = 60
#: What a page without faults never sends: errors of its script, words on its console, refusals of its policy.
TROUBLE = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Audits.issueAdded")
KEYS = {"Enter": ("\r", 13), "Escape": ("", 27)}


def program():
    """Return the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def browser():
    """Lend a page of a browser that stops when the block ends."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        # Chromium has no sandbox for root.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [
                program(), "--headless=new", *sandbox, "--disable-gpu", "--no-first-run", "--disable-extensions",
                "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-port=0",
                f"--user-data-dir={folder}", "about:blank",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        said = next((line for line in process.stderr if line.startswith(LISTENING)), None)
        # Nobody listens to the rest, and a full pipe would stop it.
        rest = threading.Thread(target=process.stderr.read)
        with process:
            rest.start()
            try:
                assert said is not None, "chromium has ended before it could be talked to"
                with connect(said.removeprefix(LISTENING).strip(), max_size=None) as socket:
                    yield Page(socket)
            finally:
                process.kill()
                # It ends when the last of its processes has: then none writes into the folder any more.
                rest.join()


class Page:
    """A tab."""

    def __init__(self, socket):
        self._socket, self._numbers, self._session = socket, count(1), None
        self.events = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Audits"):
            self.send(f"{domain}.enable")
        self.resize(1280, 900)

    def send(self, method, **parameters):
        """Send a command and return its result; what happens meanwhile is kept."""
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters, **session}))
        while (message := self._receive()).get("id") != number:
            pass
        assert "error" not in message, (method, message["error"])
        return message["result"]

    def _receive(self):
        message = json.loads(self._socket.recv(timeout=PATIENCE))
        if "method" in message:
            self.events.append((message["method"], message["params"]))
        return message

    def open(self, url):
        """Load a page."""
        # Another hash of the same page would load nothing.
        self.send("Page.navigate", url="about:blank")
        self.events.clear()
        self.send("Page.navigate", url=url)
        self.run(
            "new Promise(loaded => document.readyState === 'complete' ? loaded() : addEventListener('load', loaded))"
        )

    def run(self, program):
        """Return what a program returns in the page: a JSON value."""
        result = self.send("Runtime.evaluate", expression=program, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, (program, result["exceptionDetails"])
        return result["result"].get("value")

    @property
    def trouble(self):
        """What the page has complained of since it was opened."""
        self.run("1")
        return [event for event in self.events if event[0] in TROUBLE]

    def texts(self, selector):
        """Return the texts of all elements that are seen, as they are seen."""
        return self.run(
            f"[...document.querySelectorAll({json.dumps(selector)})].filter(one => one.checkVisibility())"
            ".map(one => one.innerText.trim())"
        )

    def click(self, selector, at=0):
        """Click on an element with the mouse."""
        box = self.run(f"""(() => {{
            const one = document.querySelectorAll({json.dumps(selector)})[{at}];
            one.scrollIntoView({{block: "nearest"}});
            const box = one.getBoundingClientRect();
            return [box.x + Math.min(box.width / 2, 40), box.y + Math.min(box.height / 2, 10)];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, *keys):
        """Press keys."""
        for key in keys:
            text, code = KEYS.get(key, (key, ord(key.upper()) if len(key) == 1 else 0))
            told = {"key": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
            self.send("Input.dispatchKeyEvent", type="keyDown", **told)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def resize(self, width, height):
        """Give the window another size."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, kind="", **features):
        """Be a medium: `print`, or a screen with features as `color_scheme="dark"`."""
        found = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", media=kind, features=found)

    def picture(self):
        """Return what is seen, as a PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def paper(self):
        """Return what is printed, as a PDF."""
        return base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"])
