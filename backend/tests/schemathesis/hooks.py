"""Applies rules that a schema cannot express to the requests that schemathesis generates as valid."""

import os
import uuid

import schemathesis
from schemathesis.generation import GenerationMode

password = os.environ.get("PASSWORD")


def is_valid(case):
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE


@schemathesis.hook
def before_call(context, case, kwargs):
    if not is_valid(case):
        return
    if password and isinstance(case.body, dict):
        # The generator cannot know the current password.
        case.body["current_password"] = password
    if "Idempotency-Key" in case.headers:
        # A key belongs to one request, but the generator repeats keys.
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    # The schema declares an optional header as nullable.
    for name in ("If-Match", "Last-Event-ID"):
        if case.headers.get(name) == "null":
            del case.headers[name]
    if case.path == "/api/chat" and isinstance(case.body, dict):
        # A request has a message, a confirmation or a retry. All but a message need a conversation, and so does editing.
        case.body.pop("retry", None)
        if case.body.get("message") is not None or case.body.get("confirm") is None:
            case.body["message"] = case.body.get("message") or "A message"
            case.body.pop("confirm", None)
            case.body.pop("calls", None)
        else:
            case.body.pop("replace_from", None)
            case.body.pop("time_zone", None)
        if case.body.get("time_zone") is not None:
            # A schema cannot list the names of the zones.
            case.body["time_zone"] = "Europe/Berlin"
        if case.body.get("conversation_id") is None:
            case.body = {"message": case.body.get("message") or "A message"}
    # Only a page of results has a valid cursor.
    case.query.pop("cursor", None)
    if case.path == "/api/tasks/import" and isinstance(case.body, list):
        for task in case.body:
            # A pending task must not have a time of completion.
            if task.get("status") == "pending":
                task.pop("completed_at", None)
            # Years before 1970 are refused, but a date-time schema has no range.
            for field in ("created_at", "updated_at", "completed_at"):
                if str(task.get(field) or "1970") < "1970":
                    del task[field]
    if case.path == "/api/tasks/import" and isinstance(case.body, (str, bytes)):
        case.body = "title\nA task\n"
    if isinstance(case.body, dict) and isinstance(case.body.get("expires_in_days"), float):
        # 7.0 is an integer in JSON Schema, but the API accepts only 7.
        case.body["expires_in_days"] = int(case.body["expires_in_days"])


@schemathesis.hook
def after_call(context, case, response):
    global password
    if case.path == "/api/auth/password" and response.status_code == 204:
        password = case.body["new_password"]
