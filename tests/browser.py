"""Drives Debian's chromium over its DevTools pipe: opens a page, presses what a reader presses, and listens.

The protocol is JSON between NUL bytes on two pipes (https://chromedevtools.github.io/devtools-protocol/), so that no
driver has to match the browser's version.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SECONDS = 60.0
"""How long an answer may take on a busy machine."""

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip


def find_chromium() -> str | None:
    """Returns the browser's path, None where none is installed."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@dataclass
class Browser:
    """A running chromium with one page, and what the page said and asked for."""

    commands: int
    answers: int
    session: str = ""
    problems: list[str] = field(default_factory=list)
    """Uncaught exceptions, console errors and warnings, violations of the content security policy."""
    requests: list[str] = field(default_factory=list)
    """Every address that the page asked for; images inside the page are left out."""
    loaded: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _received: bytes = b""

    def call(self, method: str, **params: Any) -> Mapping[str, Any]:
        """Sends a command and returns its result; what happens meanwhile is noted."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive(time.monotonic() + SECONDS)
            if answer.get("id") != number:
                self._note(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            return answer["result"]

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._received:
            ready, _, _ = select.select([self.answers], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self.answers, 1 << 20) if ready else b""
            if not chunk:
                raise TimeoutError(
                    f"chromium did not answer within {SECONDS:g} s" if not ready else "chromium has gone"
                )
            self._received += chunk
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def _note(self, event: Mapping[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self.loaded = True
            case "Network.requestWillBeSent":
                url = params["request"]["url"]
                self.requests += [] if url.startswith("data:") else [url]
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.problems.append(details.get("exception", {}).get("description") or details["text"])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.problems.append(str([each.get("value") for each in params["args"]]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.problems.append(params["entry"]["text"])

    def open(
        self, page: Path, width: int = 1400, height: int = 1000, scheme: Literal["light", "dark"] = "light"
    ) -> None:
        """Opens a file in a window of that size and waits until it has loaded."""
        self.resize(width, height)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.loaded, self.problems, self.requests = False, [], []
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not self.loaded:
            self._note(self._receive(time.monotonic() + SECONDS))

    def resize(self, width: int, height: int) -> None:
        """Gives the window another size in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def evaluate(self, script: str) -> Any:
        """Returns the value of an expression of JavaScript, awaited where it is a promise."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"].get("exception", {}).get("description", script))
        return found["result"].get("value")

    def point(self, selector: str, press: bool = False, at: float = 0.5) -> None:
        """Moves the pointer onto an element, `at` of its width from the left, and presses the button there."""
        quoted = json.dumps(selector)
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({quoted}); if (!e) return null; "
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); const b = e.getBoundingClientRect(); "
            f"return [b.left + b.width * {at}, b.top + b.height / 2]; }})()"
        )
        assert box, f"the page has no {selector}"
        place = {"x": box[0], "y": box[1]}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **place)
        if press:
            self.call("Input.dispatchMouseEvent", type="mousePressed", button="left", clickCount=1, **place)
            self.call("Input.dispatchMouseEvent", type="mouseReleased", button="left", clickCount=1, **place)

    def write(self, selector: str, words: str) -> None:
        """Clicks into a field and types words."""
        self.point(selector, press=True)
        self.call("Input.insertText", text=words)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Saves what the window shows, or the whole page, as PNG."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def pdf(self, path: Path) -> None:
        """Prints the page."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))


@contextmanager
def browser(chromium: str, profile: Path) -> Iterator[Browser]:
    """Starts chromium with an empty profile and an empty page, and ends it."""
    (reads, commands), (answers, writes) = os.pipe(), os.pipe()
    # The browser reads commands from descriptor 3 and writes answers to 4.
    script = f'exec "$@" 3<&{reads} 4>&{writes} 2>"$0"'
    process = subprocess.Popen(
        ["bash", "-c", script, str(profile / "chromium.log"), chromium, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(reads, writes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    os.close(reads)
    os.close(writes)
    try:
        driven = Browser(commands, answers)
        target = driven.call("Target.createTarget", url="about:blank")["targetId"]
        driven.session = driven.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            driven.call(f"{domain}.enable")
        yield driven
    finally:
        os.close(commands)
        process.terminate()
        process.wait(timeout=20)
        os.close(answers)
