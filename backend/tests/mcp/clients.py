"""Third-party MCP clients, and the users whose tokens they send."""

import contextlib
import json
import os
import subprocess
import uuid

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

BACKEND = os.environ["TODO_BACKEND"]
INSPECTOR = os.environ["INSPECTOR"]


class User:
    """A new user with a session and an API token."""

    def __init__(self, base_url, name):
        self.base_url = base_url
        form = {"email": f"{name}-{uuid.uuid4().hex[:12]}@example.com", "password": f"the password of {name}"}
        with httpx2.Client(base_url=base_url, timeout=20) as api:
            api.post("/api/auth/sign-up", json=form).raise_for_status()
            self.cookie = f"todo_session={api.cookies['todo_session']}"
            self.token = api.post("/api/auth/tokens", json={"name": "mcp"}).raise_for_status().json()["token"]


def url(base_url):
    return f"{base_url}/mcp"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@contextlib.asynccontextmanager
async def python_http(base_url, headers, mode="auto"):
    """Connects the Python SDK over streamable HTTP."""
    async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
        async with Client(streamable_http_client(url(base_url), http_client=http), mode=mode) as client:
            yield client


def environment(base_url, token):
    return {"TODO_URL": base_url, "TODO_TOKEN": token}


def python_stdio(base_url, token, mode="auto"):
    """Connects the Python SDK over standard input and output, to `todo-backend mcp`, which it starts."""
    command = StdioServerParameters(command=BACKEND, args=["mcp"], env=environment(base_url, token))
    return Client(command, mode=mode)


class Inspector:
    """`@modelcontextprotocol/inspector --cli`, which is a new process for each request."""

    def __init__(self, *target):
        self.target = target

    @classmethod
    def http(cls, base_url, headers):
        pairs = [part for header in headers.items() for part in ("--header", ": ".join(header))]
        return cls(url(base_url), "--transport", "http", *pairs)

    @classmethod
    def stdio(cls, base_url, token):
        pairs = [part for pair in environment(base_url, token).items() for part in ("-e", "=".join(pair))]
        return cls(BACKEND, "mcp", *pairs)

    def run(self, method, *arguments):
        """Sends a request. Returns the exit code, standard output and standard error."""
        command = [INSPECTOR, "--cli", *self.target, "--method", method, *arguments]
        # The inspector stores a catalog of servers in its home directory, and may ask for a sign-in at the terminal.
        settings = {**os.environ, "MCP_CATALOG_PATH": os.devnull, "HOME": os.environ["SCRATCH"]}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, env=settings, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def result(self, method, *arguments):
        code, output, errors = self.run(method, *arguments)
        assert code == 0, f"{method}: exit code {code}: {output}{errors}"
        return json.loads(output)

    def call(self, tool, **arguments):
        """Calls a tool, and returns its result, which may be an error."""
        pairs = [part for name, value in arguments.items() for part in ("--tool-arg", f"{name}={value}")]
        code, output, errors = self.run("tools/call", "--tool-name", tool, *pairs)
        assert output, f"{tool}: exit code {code}: {errors}"
        return json.loads(output)


def run_stdio_server(**variables):
    """Runs `todo-backend mcp` with empty input. Returns the exit code, standard output and standard error."""
    settings = {name: value for name, value in os.environ.items() if name not in ("TODO_URL", "TODO_TOKEN")}
    done = subprocess.run(
        [BACKEND, "mcp"],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**settings, **variables},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
