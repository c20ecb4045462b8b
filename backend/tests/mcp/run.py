"""Tests a backend by the Python SDK and the inspector of MCP, over HTTP and over standard input and output, and by the
TypeScript SDK in a page.

Arguments: the URL of a running backend with a database that may be filled. FOREIGN_HOST is a host in
MCP_ALLOWED_HOSTS that is not this machine, and PAGE_ORIGIN is in CORS_ORIGINS. REPORT is the path of the JUnit report.
"""

import asyncio
import json
import os
import sys
import traceback
import xml.etree.ElementTree as ElementTree

import browser
import httpx2
from clients import Inspector, User, bearer, python_http, python_stdio, run_stdio_server, url
from mcp import MCPError

TOOLS = {
    # The hints read-only, destructive and idempotent of each tool.
    "add_task": (False, False, False),
    "list_tasks": (True, False, True),
    "complete_task": (False, False, True),
    "update_task": (False, True, False),
    "delete_task": (False, True, False),
    "add_tasks": (False, False, False),
    "complete_tasks": (False, False, True),
    "update_tasks": (False, True, False),
    "delete_tasks": (False, True, False),
}
INVALID_ARGUMENTS = [
    ("add_task", {"title": " "}, "title"),
    ("add_task", {"title": "x" * 201}, "title"),
    ("list_tasks", {"limit": 0}, "limit"),
    ("complete_task", {"task": "\0"}, "task"),
    ("update_task", {"task": "Milk", "colour": "red"}, "colour"),
    ("delete_task", {}, "task"),
]


def error_of(result):
    """The error object of a tool call that was refused."""
    assert result.is_error, result
    return json.loads(result.content[0].text)


async def expect_protocol_error(awaitable, *words):
    """Asserts that a request fails with a message that contains these words."""
    try:
        result = await awaitable
    except MCPError as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(f"no error but {result}")


async def tools(client):
    listed = (await client.list_tools()).tools
    hints = {}
    for tool in listed:
        assert tool.title and tool.description and tool.output_schema, tool
        annotations = tool.annotations
        hints[tool.name] = (
            annotations.read_only_hint,
            annotations.destructive_hint,
            annotations.idempotent_hint,
        )
    assert hints == TOOLS, hints


async def every_tool(client):
    """Calls every tool. The SDK checks each result against the output schema of the tool."""
    added = (await client.call_tool("add_task", {"title": "Buy milk", "description": "2 l"})).structured_content["task"]
    again = (await client.call_tool("add_task", {"title": "Buy milk and eggs"})).structured_content["task"]
    page = (await client.call_tool("list_tasks", {"limit": 1})).structured_content
    assert [task["id"] for task in page["tasks"]] == [again["id"]], page
    page = (await client.call_tool("list_tasks", {"limit": 1, "cursor": page["next_cursor"]})).structured_content
    assert page["tasks"] == [added] and page["counts"]["pending"] == 2, page
    done = (await client.call_tool("complete_task", {"task": "buy MILK"})).structured_content["task"]
    assert done["id"] == added["id"] and done["status"] == "completed", done
    changed = (await client.call_tool("update_task", {"task": "eggs", "title": "Eggs"})).structured_content["task"]
    assert changed["title"] == "Eggs", changed
    for task in (added, again):
        deleted = (await client.call_tool("delete_task", {"task": task["id"]})).structured_content["task"]
        assert deleted["id"] == task["id"], deleted
    many = (await client.call_tool("add_tasks", {"tasks": [{"title": "Tea"}, {"title": "Salt"}]})).structured_content
    renamed = [{"task": "tea", "title": "Green tea"}, {"task": "salt", "description": "sea salt"}]
    changed = (await client.call_tool("update_tasks", {"tasks": renamed})).structured_content["tasks"]
    assert [task["title"] for task in changed] == ["Green tea", "Salt"], changed
    named = {"tasks": [task["id"] for task in many["tasks"]]}
    done = (await client.call_tool("complete_tasks", named)).structured_content["tasks"]
    assert {task["status"] for task in done} == {"completed"}, done
    assert (await client.call_tool("delete_tasks", named)).structured_content["tasks"] == done
    left = (await client.call_tool("list_tasks", {})).structured_content
    assert left["counts"]["all"] == 0, left


async def bad_arguments(client):
    for tool, arguments, field in INVALID_ARGUMENTS:
        refused = error_of(await client.call_tool(tool, arguments))
        assert refused["errors"][0]["field"] == field, refused
    ids = [(await client.call_tool("add_task", {"title": "Twin"})).structured_content["task"]["id"] for _ in range(2)]
    refused = error_of(await client.call_tool("delete_task", {"task": "twin"}))
    assert refused["error"] == "ambiguous" and {twin["id"] for twin in refused["candidates"]} == set(ids), refused
    for task in ids:
        await client.call_tool("delete_task", {"task": task})
    refused = error_of(await client.call_tool("delete_task", {"task": ids[0]}))
    assert refused["error"] == "not_found", refused
    assert error_of(await client.call_tool("drop_tables", {}))["error"] == "unknown_tool"


async def resources(client):
    task = (await client.call_tool("add_task", {"title": "Read me"})).structured_content["task"]
    listed = (await client.list_resources()).resources
    assert [resource.uri for resource in listed] == ["tasks://pending", "tasks://completed", "tasks://all"], listed
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == ["tasks://{id}"], templates
    pending = json.loads((await client.read_resource("tasks://pending")).contents[0].text)
    # A resource has no schema, and what a tool leaves out is null in it.
    assert pending["tasks"] == [{**task, "completed_at": None}], pending
    read = json.loads((await client.read_resource(f"tasks://{task['id']}")).contents[0].text)
    assert [read] == pending["tasks"], read
    await client.call_tool("delete_task", {"task": task["id"]})
    await expect_protocol_error(client.read_resource(f"tasks://{task['id']}"), "no such resource")


async def prompt(client):
    task = (await client.call_tool("add_task", {"title": "Plan me"})).structured_content["task"]
    assert [known.name for known in (await client.list_prompts()).prompts] == ["plan_my_day"]
    messages = (await client.get_prompt("plan_my_day", {"focus": "the garden"})).messages
    assert "the garden" in messages[0].content.text and "Plan me" in messages[1].content.resource.text, messages
    await expect_protocol_error(client.get_prompt("plan_my_day", {"mood": "good"}), "mood")
    await client.call_tool("delete_task", {"task": task["id"]})


async def another_user(client, other):
    """A client of another user cannot find a task."""
    task = (await client.call_tool("add_task", {"title": "Secret"})).structured_content["task"]
    for name in (task["id"], "Secret"):
        for tool, arguments in (("complete_task", {}), ("update_task", {"title": "Found"}), ("delete_task", {})):
            assert error_of(await other.call_tool(tool, {"task": name, **arguments}))["error"] == "not_found"
    await expect_protocol_error(other.read_resource(f"tasks://{task['id']}"), "no such resource")
    assert (await other.call_tool("list_tasks", {"q": "Secret"})).structured_content["counts"]["all"] == 0
    assert (await client.call_tool("delete_task", {"task": "Secret"})).structured_content["task"] == task


def every_method(inspector):
    """Calls every tool and method by the inspector, which fails for a schema that it cannot read."""
    assert {tool["name"] for tool in inspector.result("tools/list", "--strict")["tools"]} == set(TOOLS)
    task = inspector.call("add_task", title="Inspect")["structuredContent"]["task"]
    assert inspector.call("list_tasks", q="inspect", limit=5)["structuredContent"]["tasks"] == [task]
    changed = inspector.call("update_task", task="inspect", description="closely")["structuredContent"]["task"]
    assert changed["description"] == "closely", changed
    assert inspector.result("resources/read", "--uri", f"tasks://{task['id']}")["contents"][0]["mimeType"]
    assert len(inspector.result("resources/list")["resources"]) == 3
    assert len(inspector.result("resources/templates/list")["resourceTemplates"]) == 1
    assert inspector.result("prompts/list")["prompts"][0]["name"] == "plan_my_day"
    messages = inspector.result("prompts/get", "--prompt-name", "plan_my_day")["messages"]
    assert "Inspect" in messages[1]["content"]["resource"]["text"], messages
    done = inspector.call("complete_task", task=task["id"])["structuredContent"]["task"]
    assert done["status"] == "completed", done
    assert inspector.call("delete_task", task=task["id"])["structuredContent"]["task"]["id"] == task["id"]
    refused = inspector.call("delete_task", task=task["id"])
    assert refused["isError"] and "not_found" in refused["content"][0]["text"], refused


def unauthorized(base_url, headers):
    """A request without a valid token is refused."""
    code, output, errors = Inspector.http(base_url, headers).run("tools/list")
    assert code != 0 and "auth" in output + errors, (code, output, errors)
    answer = post(base_url, headers)
    assert answer.status_code == 401 and answer.json()["code"] == "unauthorized", answer.text
    assert answer.headers["www-authenticate"] == "Bearer", answer.headers


def post(base_url, headers):
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    return httpx2.post(f"{base_url}/mcp", json=request, headers={**accept, **headers}, timeout=20)


async def hosts(base_url, user):
    """Only hosts in MCP_ALLOWED_HOSTS are served."""
    async with python_http(base_url, {**bearer(user.token), "Host": os.environ["FOREIGN_HOST"]}) as client:
        await tools(client)
    answer = post(base_url, {**bearer(user.token), "Host": "evil.example"})
    assert answer.status_code == 403 and answer.json()["code"] == "forbidden_host", answer.text


def start_fails(variables, *words):
    """`todo-backend mcp` fails with a message that contains these words, but not the token."""
    code, output, errors = run_stdio_server(**variables)
    assert code != 0 and output == "", (code, output)
    assert all(word in errors for word in words), errors
    assert variables.get("TODO_TOKEN", "todo_secret") not in errors, errors


def checks(base_url):
    """Yields the name and the function of each check."""
    ada = User(base_url, "ada")

    def http(user, mode="auto"):
        return python_http(base_url, bearer(user.token), mode)

    def stdio(user, mode="auto"):
        return python_stdio(base_url, user.token, mode)

    for transport, connect in (("HTTP", http), ("stdio", stdio)):
        for mode in ("auto", "legacy"):
            for check in (tools, every_tool, bad_arguments, resources, prompt):

                async def run(check=check, connect=connect, mode=mode):
                    async with connect(User(base_url, "cleo"), mode) as client:
                        await check(client)

                yield f"Python SDK, {transport}, {mode}: {check.__name__}", run

        async def run_with_two_users(connect=connect):
            async with connect(ada) as client, connect(User(base_url, "bea")) as other:
                await another_user(client, other)

        yield f"Python SDK, {transport}: another user", run_with_two_users

    yield "inspector, HTTP", lambda: every_method(Inspector.http(base_url, bearer(ada.token)))
    yield "inspector, stdio", lambda: every_method(Inspector.stdio(base_url, ada.token))
    yield "TypeScript SDK in Chromium", lambda: browser.page(url(base_url), ada.token)
    yield "no token", lambda: unauthorized(base_url, {})
    yield "wrong token", lambda: unauthorized(base_url, bearer("todo_wrong"))
    yield "a session's cookie", lambda: unauthorized(base_url, {"Cookie": ada.cookie})
    yield "hosts", lambda: hosts(base_url, ada)
    nowhere = {"TODO_URL": "http://127.0.0.1:9", "TODO_TOKEN": "todo_secret"}
    yield "stdio without a server", lambda: start_fails(nowhere, "http://127.0.0.1:9", "check TODO_URL")
    wrong = {"TODO_URL": base_url, "TODO_TOKEN": "todo_wrong"}
    yield "stdio with a wrong token", lambda: start_fails(wrong, "does not accept TODO_TOKEN")
    yield "stdio without an address", lambda: start_fails({"TODO_TOKEN": ada.token}, "TODO_URL is not set")
    yield "stdio without a token", lambda: start_fails({"TODO_URL": base_url}, "TODO_TOKEN is not set")


def main():
    suite = ElementTree.Element("testsuite", name="mcp")
    for name, check in checks(sys.argv[1].rstrip("/")):
        case = ElementTree.SubElement(suite, "testcase", name=name)
        try:
            outcome = check()
            if asyncio.iscoroutine(outcome):
                asyncio.run(outcome)
        except Exception:
            ElementTree.SubElement(case, "failure").text = traceback.format_exc()
            print(f"{name} ... FAILED\n{traceback.format_exc()}", flush=True)
        else:
            print(f"{name} ... ok", flush=True)
    failures = str(len(suite.findall("testcase/failure")))
    suite.attrib.update(tests=str(len(suite)), failures=failures, errors="0")
    report = ElementTree.Element("testsuites", name="mcp")
    report.append(suite)
    ElementTree.ElementTree(report).write(os.environ["REPORT"])
    sys.exit(failures != "0")


main()
