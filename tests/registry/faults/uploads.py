"""Uploads that go wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

from tests.registry.faults.answers import status
from tests.registry.faults.core import Fault, Proceed, Where, either
from tests.registry.messages import Answer, Request
from tests.registry.uploads import REFUSED


def reset_upload(at: int, **where: Unpack[Where]) -> Fault:
    """The connection is reset after so many bytes of the request's body, which are kept."""

    def act(request: Request, proceed: Proceed) -> Answer:
        request.body.breaks_after = at
        return proceed(request)

    return Fault(act, **either(where, method="PATCH", path="/uploads/"))


def lost_bytes(at: int, **where: Unpack[Where]) -> Fault:
    """A chunk is answered 202, but only so many bytes of it were kept, as Range says."""

    def act(request: Request, proceed: Proceed) -> Answer:
        whole = request.body.read()
        kept = {key: value for key, value in request.headers.items() if key not in {"content-range", "content-length"}}
        return proceed(replace(request, headers=kept, body=request.body.again(whole[:at])))

    return Fault(act, **either(where, method="PATCH", path="/uploads/"))


def mount_ignored(**where: Unpack[Where]) -> Fault:
    """A mount is answered with the beginning of an upload."""

    def act(request: Request, proceed: Proceed) -> Answer:
        return proceed(replace(request, target=request.target.partition("?")[0]))

    return Fault(act, **either(where, method="POST", path=r"[?&]mount="))


def mount_refused(code: int = 403, **where: Unpack[Where]) -> Fault:
    """A mount is an error."""
    return status(code, "DENIED", **either(where, method="POST", path=r"[?&]mount="))


def upload_forgotten(**where: Unpack[Where]) -> Fault:
    """An upload that is under way is not known any more."""
    return status(404, "BLOB_UPLOAD_UNKNOWN", **either(where, method="PATCH|PUT|GET", path="/uploads/."))


def chunk_refused(**where: Unpack[Where]) -> Fault:
    """A chunk is refused with 416, which says how far the upload is; nothing of it is kept."""

    def act(request: Request, proceed: Proceed) -> Answer:
        return proceed(replace(request, headers={**request.headers, "content-range": REFUSED}))

    return Fault(act, **either(where, method="PATCH", path="/uploads/"))
