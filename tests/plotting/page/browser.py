"""Chromium without a screen, by the W3C's WebDriver protocol, which is plain HTTP."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import Any

HERE = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy

SWITCHES = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader"),
    *("--enable-unsafe-swiftshader", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--disable-dev-shm-usage"),
]


def is_installed() -> bool:
    """Say whether Chromium and its driver are there."""
    return all(map(shutil.which, ("chromium", "chromedriver")))


class Browser:
    """One window."""

    def __init__(self, address: str) -> None:
        self.address = address

    def send(self, method: str, path: str, **body: Any) -> Any:
        """Ask the driver for something, and return its answer."""
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, data, method=method)
        try:
            with HERE.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(json.load(error)["value"]["message"]) from None

    def open(self, path: Any) -> None:
        """Open a file and wait until its map is drawn."""
        self.send("POST", "/url", url=path.resolve().as_uri())
        self.wait("document.documentElement.dataset.ready || !document.getElementById('message').hidden")

    def run(self, script: str, *arguments: Any) -> Any:
        """Run statements in the page; what they return comes back, promises when they are kept."""
        return self.send("POST", "/execute/sync", script=script, args=list(arguments))

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        return self.run(f"return {expression}")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        script = f"""return new Promise((done) => {{
            const look = () => (({expression}) ? done(true) : setTimeout(look, 20)); look(); }})"""
        assert self.run(script)

    def frame(self) -> None:
        """Wait until what was asked for is drawn."""
        self.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def act(self, *sequences: dict[str, Any]) -> None:
        """Move a mouse, fingers or keys."""
        self.send("POST", "/actions", actions=list(sequences))
        self.send("DELETE", "/actions")
        self.frame()

    def mouse(self, *steps: dict[str, Any], keys: list[dict[str, Any]] | None = None) -> None:
        """Move the mouse, beside keys that are held or not."""
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": list(steps)}
        self.act(mouse, *([{"type": "key", "id": "keys", "actions": keys}] if keys else []))

    def press(self, *keys: str) -> None:
        """Press keys one after another."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.act({"type": "key", "id": "keys", "actions": strokes})

    def click(self, selector: str, times: int = 1) -> None:
        """Click on an element."""
        box = self.value(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()")
        at = move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.mouse(at, *[DOWN, UP] * times)

    def text(self, selector: str) -> str:
        """Return what an element says."""
        return self.value(f"document.querySelector({json.dumps(selector)}).textContent")

    def screenshot(self) -> bytes:
        """Return a picture of the window as PNG."""
        return base64.b64decode(self.send("GET", "/screenshot"))

    def complaints(self) -> list[str]:
        """Return what the console says of errors and warnings, also of what the policy forbade."""
        said = [entry["message"] for entry in self.send("POST", "/se/log", type="browser")]
        return [text for text in said if "GPU stall due to ReadPixels" not in text]  # by screenshots

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Ask Chromium itself."""
        return self.send("POST", "/goog/cdp/execute", cmd=command, params=parameters)


DOWN = {"type": "pointerDown", "button": 0}
UP = {"type": "pointerUp", "button": 0}


def move(left: float, top: float) -> dict[str, Any]:
    """Return a step of a pointer to a place of the window."""
    return {"type": "pointerMove", "duration": 0, "x": round(left), "y": round(top)}


@contextmanager
def browsing(*switches: str, size: tuple[int, int] = (1000, 700)):
    """Yield a browser with a profile of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        try:
            port = next(found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))
            options = {
                "args": [
                    *SWITCHES,
                    f"--user-data-dir={folder}/profile",
                    f"--window-size={size[0]},{size[1]}",
                    *switches,
                ],
                "prefs": {"download.default_directory": folder},
            }
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "WARNING"}}
            start = Browser(f"http://127.0.0.1:{port}")
            session = start.send("POST", "/session", capabilities={"alwaysMatch": wanted})["sessionId"]
            browser = Browser(f"{start.address}/session/{session}")
            browser.folder = folder
            yield browser
            browser.send("DELETE", "")
        finally:
            driver.terminate()
            driver.wait()
            driver.stdout.close()
