"""What registries, proxies and networks do wrong: each a small object that meets some requests and misbehaves.

`Fault` says which requests; the functions below make the usual ones. All take `method` and `path` (regular expressions:
the method whole, the target anywhere), `first` (the first request of those that is met, from 1) and `times` (how many
are met; None is all from there on).
"""

from __future__ import annotations

from tests.registry.faults.answers import (
    downgraded,
    headers,
    instead,
    no_digest,
    no_subject,
    page,
    redirect_loop,
    redirected,
    redirected_to,
    revoked,
    revoked_midway,
    status,
    warned,
    wrong_digest,
)
from tests.registry.faults.bodies import (
    broken,
    closed_before,
    endless,
    gzipped,
    longer,
    lying_range,
    no_length,
    other_bytes,
    range_ignored,
    reset,
    reset_before,
    slow,
    stalled,
    truncated,
    wrong_bytes,
    wrong_length,
    wrong_range,
)
from tests.registry.faults.core import Fault, Proceed, Where, changed
from tests.registry.faults.tags import endless_tags, foreign_page, looping_tags, repeated_tags
from tests.registry.faults.uploads import (
    chunk_refused,
    lost_bytes,
    mount_ignored,
    mount_refused,
    reset_upload,
    upload_forgotten,
)

__all__ = [
    "Fault",
    "Proceed",
    "Where",
    "broken",
    "changed",
    "chunk_refused",
    "closed_before",
    "downgraded",
    "endless",
    "endless_tags",
    "foreign_page",
    "gzipped",
    "headers",
    "instead",
    "longer",
    "looping_tags",
    "lost_bytes",
    "lying_range",
    "mount_ignored",
    "mount_refused",
    "no_digest",
    "no_length",
    "no_subject",
    "other_bytes",
    "page",
    "range_ignored",
    "redirect_loop",
    "redirected",
    "redirected_to",
    "repeated_tags",
    "reset",
    "reset_before",
    "reset_upload",
    "revoked",
    "revoked_midway",
    "slow",
    "stalled",
    "status",
    "truncated",
    "upload_forgotten",
    "warned",
    "wrong_bytes",
    "wrong_digest",
    "wrong_length",
    "wrong_range",
]
