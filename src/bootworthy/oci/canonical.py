"""One way to write JSON, so that equal values have equal bytes and therefore equal digests."""

from __future__ import annotations

import json


def canonical_json(value: object) -> bytes:
    """The bytes of a JSON value: keys sorted by code point, no spaces, UTF-8 without escapes it does not need.

    Raises:
        TypeError: something in it is no JSON value.
        ValueError: a number is not finite, or a string cannot be encoded.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
