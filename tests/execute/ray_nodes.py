"""Nodes of a Ray cluster on one machine, each with a session of its own, so that a whole node can be killed.

`ray stop` ends every Ray process of a machine, whoever started it, and is never called.
"""

from __future__ import annotations

import secrets
import shlex
import shutil
import socket
import tempfile
from pathlib import Path

from tests.execute.processes import ROOT, PythonProcess, eventually

HEAD = "ray start --head --port=6379 --object-store-memory=80000000 --include-dashboard=false"
JOIN = "ray start --address=HEAD:6379 --object-store-memory=80000000"
STARTED = "Ray runtime started"
TRIES = 5
"""Of starting a node: Ray gives each 30 s, which is too little where much else runs."""


class RayNodes:
    """A head and further nodes, with one CPU each, by commands that a user could give.

    The paths of Ray's sockets have to be short.
    """

    def __init__(self, head: str = HEAD) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="ray"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ADDRESS": self.address,  # what `auto` finds
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_failure_threshold": "3",
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        self.head = self._start(f"{head.replace('=6379', f'={port}')} --temp-dir={self._directory}")
        self.nodes: list[PythonProcess] = []

    def join(self, command: str = JOIN) -> PythonProcess:
        """Adds a node to the cluster."""
        self.nodes.append(self._start(command.replace("HEAD:6379", self.address)))
        return self.nodes[-1]

    def _start(self, command: str) -> PythonProcess:
        """Starts a node and waits until it is one."""
        program, *words = shlex.split(command)
        assert program == "ray"
        for left in range(TRIES, 0, -1):
            node = PythonProcess("-m", "ray.scripts.scripts", *words, "--block", "--num-cpus=1", **self.environment)
            try:
                node.wait_for(STARTED)
                break
            except BaseException as error:
                node.end()
                if left == 1 or not isinstance(error, AssertionError):
                    raise
        return node

    def end(self) -> None:
        """Leaves neither a process nor a file behind."""
        for node in (*self.nodes, self.head):
            node.end()
            eventually(lambda node=node: not node.alive, "a process of Ray is left")
        shutil.rmtree(self._directory, ignore_errors=True)
