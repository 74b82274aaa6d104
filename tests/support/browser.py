"""Headless Chromium, driven through its debugging pipe (Chrome DevTools Protocol)."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import end

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome is installed")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
PATIENCE_SECONDS = 60.0
# What Chromium acts on itself, it knows by number.
KEY_CODES = {"Tab": 9, "Enter": 13, "PageDown": 34, "End": 35, "Home": 36}


class Page:
    """One page of a browser."""

    def __init__(self, into: int, out: int) -> None:
        self._into, self._out = into, os.fdopen(out, "rb")
        self._number, self._session, self._left = 0, {}, b""
        self.said: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "DOM", "Log"):
            self.call(f"{domain}.enable")

    def _read(self) -> dict:
        while b"\0" not in self._left:
            piece = self._out.read1(1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self._left += piece
        message, self._left = self._left.split(b"\0", 1)
        return json.loads(message)

    def call(self, method: str, **params: object) -> dict:
        """Call a method of the protocol; returns its result. What the page says meanwhile lands in `said`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params} | self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._into, data) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.said.append(json.dumps(answer["params"]))

    def run(self, script: str) -> object:
        """The value of a script, awaited."""
        made = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in made:
            raise RuntimeError(json.dumps(made["exceptionDetails"]))
        return made["result"].get("value")

    def wait(self, script: str, seconds: float = PATIENCE_SECONDS) -> object:
        """The value of a script as soon as it is true."""
        patient_until = time.monotonic() + seconds
        while not (value := self.run(script)):
            if time.monotonic() > patient_until:
                text = self.run("document.body.innerText")
                raise TimeoutError("\n".join([f"{script} did not become true; the page says:", text, *self.said]))
            time.sleep(0.05)
        return value

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href === {url!r}")

    def press(self, *keys: str) -> None:
        """Press keys one after another: single characters, or names such as Tab and ArrowLeft."""
        for key in keys:
            text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
            code = {"code": key, "windowsVirtualKeyCode": KEY_CODES[key]} if key in KEY_CODES else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **code, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    def on_a_screen(self) -> None:
        """Take the size of a screen."""
        self.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)

    @contextlib.contextmanager
    def on_a_phone(self) -> Iterator[None]:
        """Be a telephone, 390 pixels wide, and then a screen again."""
        self.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        try:
            yield
        finally:
            self.on_a_screen()

    @contextlib.contextmanager
    def without_scripts(self) -> Iterator[None]:
        """Run no scripts of pages that are opened meanwhile."""
        self.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            yield
        finally:
            self.call("Emulation.setScriptExecutionDisabled", value=False)

    def give(self, selector: str, path: Path) -> None:
        """Choose a file, as a user does in a dialogue."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])


@contextlib.contextmanager
def browser(profile: Path, *flags: str) -> Iterator[Page]:
    """A page of a fresh Chromium that is ended afterwards."""
    (read_here, write_there), (read_there, write_here) = os.pipe(), os.pipe()
    # Chromium listens on descriptor 3 and answers on 4: ours must not be in the way.
    read_there, write_there = (fcntl.fcntl(each, fcntl.F_DUPFD, 20) for each in (read_there, write_there))
    process = subprocess.Popen(
        ["bash", "-c", 'exec "$@" 3<&$IN 4>&$OUT', "bash", CHROMIUM, *FLAGS, *flags, f"--user-data-dir={profile}"],
        env=os.environ | {"IN": str(read_there), "OUT": str(write_there)},
        pass_fds=(read_there, write_there),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_there)
    os.close(write_there)
    try:
        yield Page(write_here, read_here)
    finally:
        end(process)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder at an address of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
