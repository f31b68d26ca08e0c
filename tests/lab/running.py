"""A `whyshape play` of its own, started as a user starts it, and asked as a browser or somebody else would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import whyshape

httpx = pytest.importorskip("httpx")

SRC = str(Path(whyshape.__file__).parents[1])


class Running:
    """A server process and how to ask it."""

    def __init__(self, *arguments: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "whyshape", "play", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": SRC, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.process.stderr.read()
        parts = urlsplit(self.address)
        self.port, self.path = parts.port, parts.path
        self.origin = f"http://127.0.0.1:{self.port}"
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)

    def ask(self, method: str, path: str, **given):
        headers = {"origin": self.origin} | given.pop("headers", {})
        headers = {name: text for name, text in headers.items() if text is not None}
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, self.origin + path, headers=headers, **given)

    def post(self, what: str, question, **given):
        return self.ask("POST", self.path + what, json=question, **given)

    def raw(self, content: bytes, wait: float = 5) -> bytes:
        """What comes back for these very bytes, until the server ends the connection or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), wait) as line:
            line.sendall(content)
            line.settimeout(wait)
            answer = b""
            try:
                while more := line.recv(65536):
                    answer += more
            except TimeoutError:
                pass
            return answer

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        out, problems = self.process.communicate(timeout=20)
        return self.process.returncode, out + problems
