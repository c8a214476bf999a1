"""As much of a Kubernetes API as NNI's frameworkcontroller service asks for; its pods are processes here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MOUNT = "/tmp/mount"


class FakeCluster:
    """Frameworks that are posted run at once, with ``share`` in place of the mounted storage."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.share = folder, folder / "share"
        self.share.mkdir(parents=True)
        self.frameworks: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, subprocess.Popen] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.environment = self._write_client_files()

    def _write_client_files(self) -> dict[str, str]:
        """What a user of the cluster has: a kubeconfig and a kubectl (which finds everything in order)."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.server.server_port}"}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps(config))
        script = self.folder / "bin" / "kubectl"
        script.parent.mkdir()
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
        return {"KUBECONFIG": str(path), "PATH": f"{script.parent}:{os.environ['PATH']}"}

    def description(self) -> Path:
        path = self.folder / "cluster.toml"
        path.write_text(
            'image = "example.org/pde-nas:1"\naddress = "127.0.0.1"\ncpus = 1\n[storage]\n'
            f'server = "nfs.example.org"\npath = "/exports"\nmounted = "{self.share}"\n'
        )
        return path

    def start(self, framework: dict[str, Any]) -> None:
        name = framework["metadata"]["name"]
        (role,) = framework["spec"]["taskRoles"]
        (container,) = role["task"]["pod"]["spec"]["containers"]
        script = Path(container["command"][1].replace(MOUNT, str(self.share))).read_text()
        script = re.sub(r"\. \S*/injector\.sh && ", "", script.replace(MOUNT, str(self.share)))
        self.frameworks[name] = framework
        self.pods[name] = subprocess.Popen(
            ["sh", "-c", script],
            env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.folder)},
            start_new_session=True,
        )

    def look(self, name: str) -> dict[str, Any]:
        code = self.pods[name].poll()
        if code is None:
            return self.frameworks[name] | {"status": {"state": "AttemptRunning"}}
        ended = {"type": {"name": "Succeeded" if code == 0 else "Failed"}}
        status = {"state": "Completed", "attemptStatus": {"completionStatus": ended}}
        return self.frameworks[name] | {"status": status}

    def end_pods(self) -> None:
        for pod in self.pods.values():
            if pod.poll() is None:
                os.killpg(pod.pid, signal.SIGKILL)
                pod.wait()

    def stop(self) -> None:
        self.end_pods()
        self.server.shutdown()
        self.server.server_close()


def _handler(cluster: FakeCluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def answer(self, record: dict[str, Any]) -> None:
            data = json.dumps(record).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            found = re.search(r"/frameworks/([^/?]+)", self.path)
            self.answer(cluster.look(found[1]) if found else {"paths": {}})

        def do_POST(self) -> None:
            framework = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            cluster.start(framework)
            self.answer(framework)

        def do_DELETE(self) -> None:
            cluster.end_pods()
            self.answer({})

    return Handler
