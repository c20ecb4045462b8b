"""The TypeScript SDK in a page of another origin, in Chromium."""

import http.server
import json
import os
import pathlib
import queue
import shutil
import subprocess
import tempfile
import threading
import urllib.parse

# In CORS_ORIGINS of the backend.
ORIGIN = os.environ["PAGE_ORIGIN"]
PAGE = pathlib.Path(__file__).parent / "page"


def build(directory):
    """Bundles the page with the packages of package.json."""
    tools = pathlib.Path(os.environ["INSPECTOR"]).parent
    shutil.copytree(PAGE, directory)
    (directory / "node_modules").symlink_to(tools.parent)
    command = [tools / "vite", "build", "--logLevel", "warn"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "dist"


def handler(root, target, results):
    """Serves the page and its target, and takes its result."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=root)

        def do_GET(self):
            if self.path != "/target":
                return super().do_GET()
            body = json.dumps(target).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    return Handler


def result_of_page(url, token):
    """Opens the page in Chromium, and returns its result."""
    results = queue.Queue()
    host = urllib.parse.urlsplit(ORIGIN).hostname
    with tempfile.TemporaryDirectory(dir=os.environ["SCRATCH"]) as scratch:
        root = build(pathlib.Path(scratch) / "page")
        serve = handler(root, {"url": url, "token": token}, results)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            options = [
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                f"--user-data-dir={scratch}/profile",
                f"--host-resolver-rules=MAP {host}:80 127.0.0.1:{server.server_port}",
            ]
            command = [os.environ["CHROMIUM"], *options, f"{ORIGIN}/"]
            chromium = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                return results.get(timeout=60)
            finally:
                chromium.terminate()
                chromium.wait(timeout=20)
                server.shutdown()


def page(url, token):
    result = result_of_page(url, token)
    assert result == {"modes": {"auto": "From a page", "legacy": "From a page"}}, result
