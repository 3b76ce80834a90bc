"""Other headers, other statuses, other places."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

from tests.registry.auth import Bearer
from tests.registry.faults.core import Fault, Proceed, Where, changed, either
from tests.registry.messages import Answer, Ending, Manner, Request, problem, with_headers


def headers(sets: dict[str, str | None], **where: Unpack[Where]) -> Fault:
    """Some headers are others, or missing where None."""
    return changed(lambda answer: replace(answer, headers=with_headers(answer, **sets)), **where)


def wrong_digest(value: str = "sha256:" + "0" * 64, **where: Unpack[Where]) -> Fault:
    """Docker-Content-Digest names something else."""
    return headers({"docker_content_digest": value}, **where)


def no_digest(**where: Unpack[Where]) -> Fault:
    """Docker-Content-Digest is missing."""
    return headers({"docker_content_digest": None}, **where)


def no_subject(**where: Unpack[Where]) -> Fault:
    """OCI-Subject is missing from the answer to a push."""
    return headers({"oci_subject": None}, **either(where, method="PUT", path="/manifests/"))


def warned(text: str, **where: Unpack[Where]) -> Fault:
    """The answer has a `Warning: 299`."""
    return headers({"warning": f'299 - "{text}"'}, **where)


def instead(answer: Answer, **where: Unpack[Where]) -> Fault:
    """Another answer altogether; the request is not looked at."""
    return Fault(lambda request, proceed: answer, **where)


def status(
    code: int, reason: str = "UNKNOWN", message: str = "", retry_after: str | int | None = None, **where: Unpack[Where]
) -> Fault:  # fmt: skip
    """An error with a status: 429 and 503 with Retry-After (seconds, or a date), 500 and 502, 416, 403."""
    answer = problem(code, reason, message)
    if retry_after is not None:
        answer = replace(answer, headers=with_headers(answer, retry_after=str(retry_after)))
    return instead(answer, **where)


def page(code: int, text: str = "<html>Bad Gateway</html>", **where: Unpack[Where]) -> Fault:
    """An error as proxies write them: a page, no document."""
    return instead(Answer(code, (("Content-Type", "text/html"),), text.encode()), **where)


def revoked(auth: Bearer, **where: Unpack[Where]) -> Fault:
    """All tokens end just before the request is looked at; requests that are refused count too."""

    def act(request: Request, proceed: Proceed) -> Answer:
        auth.revoke()
        return proceed(request)

    return Fault(act, **either(where, path="^/v2/"), outside=True)


def revoked_midway(auth: Bearer, at: int, **where: Unpack[Where]) -> Fault:
    """The connection is closed after so many bytes of the body, and all tokens have ended."""

    def change(answer: Answer) -> Answer:
        auth.revoke()
        return replace(answer, manner=Manner(cut=at, ending=Ending.CLOSE))

    return changed(change, **either(where, path="^/v2/"))


def redirected(to: str, code: int = 307, **where: Unpack[Where]) -> Fault:
    """To the same target on another host: `to` is its address, `http://127.0.0.1:PORT`."""
    return Fault(lambda request, proceed: Answer(code, (("Location", to + request.target),)), **where)


def redirected_to(location: str, code: int = 307, **where: Unpack[Where]) -> Fault:
    """To one location, whatever was asked."""
    return instead(Answer(code, (("Location", location),)), **where)


def redirect_loop(code: int = 307, **where: Unpack[Where]) -> Fault:
    """To itself, for ever."""
    return redirected("", code, **either(where, times=None))


def downgraded(**where: Unpack[Where]) -> Fault:
    """From https to http on the same host."""
    return Fault(
        lambda request, proceed: Answer(307, (("Location", f"http{request.base[5:]}{request.target}"),)), **where
    )  # fmt: skip
