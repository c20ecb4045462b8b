"""Runs schemathesis with each kind of credential. Writes a JUnit report of each run into the directory `REPORTS`.

Arguments: the URL of a running backend with a database that may be filled.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import uuid

import requests

HERE = pathlib.Path(__file__).parent
SEED = "20260101"
# These operations change the account. `hooks.py` adds the current password, which they need.
ACCOUNT_OPERATIONS = ["PATCH /api/auth/me", "POST /api/auth/password"]
# This operation deletes the account.
DELETION = "DELETE /api/auth/me"


class User:
    def __init__(self, base_url, name):
        self.name = name
        self.password = f"the password of {name}"
        self.email = f"{name}-{uuid.uuid4().hex[:12]}@example.com"
        self.api = requests.Session()
        form = {"email": self.email, "password": self.password}
        answer = self.api.post(f"{base_url}/api/auth/sign-up", json=form, timeout=10)
        answer.raise_for_status()
        self.cookie = f"todo_session={self.api.cookies['todo_session']}"

    def token(self, base_url):
        answer = self.api.post(f"{base_url}/api/auth/tokens", json={"name": "schemathesis"}, timeout=10)
        answer.raise_for_status()
        return answer.json()["token"]

    def sign_in(self):
        """Schemathesis signs in before the first request, and again when an operation has ended the session."""
        return {
            "name": self.name,
            "loginEndpointAuth": {
                "endpoint": "/api/auth/sign-in",
                "verb": "POST",
                "payloadUserPwd": {
                    "username": self.email,
                    "usernameField": "email",
                    "password": self.password,
                    "passwordField": "password",
                },
                "contentType": "application/json",
                "expectCookies": True,
            },
        }


def fixed_header(name, header, value):
    return {"name": name, "fixedHeaders": [{"name": header, "value": value}]}


def check(base_url, title, users, arguments, environment=None):
    """Runs schemathesis once. Returns whether it succeeded."""
    print(f"\n{title}\n", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        (directory / "users.json").write_text(json.dumps({"auth": users}))
        config = (HERE / "schemathesis.toml").read_text()
        if len(users) > 1:
            # Neither user may have access to resources of the other.
            config += "\n[auth.wfc]\npath = \"users.json\"\n" + f"peers = {json.dumps([u['name'] for u in users])}\n"
            config += f"user = {json.dumps(users[0]['name'])}\n"
        else:
            config += "\n[auth.wfc]\npath = \"users.json\"\n"
        (directory / "schemathesis.toml").write_text(config)
        report = pathlib.Path(os.environ["REPORTS"]).absolute() / f"{title}.xml"
        command = [
            *[sys.executable, "-m", "schemathesis.cli", "run", f"{base_url}/api/openapi.json"],
            *["--checks", "all", "--seed", SEED, "--generation-database", "none", "--no-color"],
            *["--report", "junit", "--report-junit-path", str(report), *arguments],
        ]
        settings = {**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"), **(environment or {})}
        return subprocess.run(command, cwd=directory, env=settings, check=False).returncode == 0


def main():
    base_url = sys.argv[1].rstrip("/")
    ada, bea, cleo, dora = (User(base_url, name) for name in ("ada", "bea", "cleo", "dora"))
    others = [argument for name in [*ACCOUNT_OPERATIONS, DELETION] for argument in ("--exclude-name", name)]
    account = [argument for name in ACCOUNT_OPERATIONS for argument in ("--include-name", name)]
    bearer = fixed_header("program", "Authorization", f"Bearer {ada.token(base_url)}")
    results = [
        check(base_url, "Signed in, two users", [ada.sign_in(), bea.sign_in()], others),
        check(base_url, "The account", [fixed_header("cleo", "Cookie", cleo.cookie)], account, {"PASSWORD": cleo.password}),
        check(base_url, "Its end", [fixed_header("dora", "Cookie", dora.cookie)], ["--include-name", DELETION], {"PASSWORD": dora.password}),
        check(base_url, "With an API token", [bearer], ["--include-tag", "tasks", "--include-tag", "events"]),
    ]
    sys.exit(not all(results))


main()
