"""Lists of tags that go wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Unpack
from urllib.parse import urlencode

from tests.registry.faults.core import Fault, Proceed, Where, changed, either
from tests.registry.messages import Answer, Request, as_json, with_headers


def repeated_tags(**where: Unpack[Where]) -> Fault:
    """Each page of tags has its last tag twice."""

    def change(answer: Answer) -> Answer:
        document = json.loads(answer.content)
        document["tags"] += document["tags"][-1:]
        return replace(answer, body=json.dumps(document).encode())

    return changed(change, **either(where, path="/tags/list", times=None))


def looping_tags(**where: Unpack[Where]) -> Fault:
    """Each page of tags leads to itself."""

    def act(request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        return replace(answer, headers=with_headers(answer, link=f'<{request.target}>; rel="next"'))

    return Fault(act, **either(where, path="/tags/list", times=None))


def endless_tags(**where: Unpack[Where]) -> Fault:
    """There is always one page more, and its tags are new."""

    def act(request: Request, proceed: Proceed) -> Answer:
        number = int(request.first("at") or 0)
        path = request.path
        answer = as_json({"name": path[4:-10], "tags": [f"t{number}-{each}" for each in range(10)]})
        return replace(
            answer, headers=with_headers(answer, link=f'<{path}?{urlencode({"at": number + 1})}>; rel="next"')
        )

    return Fault(act, **either(where, path="/tags/list", times=None))


def foreign_page(base: str, **where: Unpack[Where]) -> Fault:
    """The next page of tags is on another host."""

    def act(request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        return replace(answer, headers=with_headers(answer, link=f'<{base}{request.target}>; rel="next"'))

    return Fault(act, **either(where, path="/tags/list"))
