from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError
from bootworthy.oci import digest
from bootworthy.oci.digest import Hasher

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_known_digest() -> None:
    assert digest.of(b"") == EMPTY
    assert digest.validate(EMPTY) == EMPTY
    assert digest.short(EMPTY) == "e3b0c44298fc"
    assert str(digest.blob_name(EMPTY)) == "blobs/sha256/" + EMPTY.removeprefix("sha256:")


@pytest.mark.parametrize(
    "text",
    [
        "", "sha256", "sha256:", "sha256:../../../etc/passwd", EMPTY.upper(), EMPTY[:-1], EMPTY + "0", EMPTY + "\n",
        "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:" + "/" * 64, "../sha256:" + "0" * 64, "sha512:" + "0" * 64,
    ],
)  # fmt: skip
def test_other_texts_are_no_digests_and_no_paths(text: str) -> None:
    assert not digest.is_valid(text)
    with pytest.raises(IntegrityError) as caught:
        digest.blob_name(text)
    assert caught.value.code == "digest.bad"


@given(st.text())
def test_any_text_is_refused_or_safe(text: str) -> None:
    if digest.is_valid(text):
        assert set(text) <= set("0123456789abcdefsh:")


@given(st.lists(st.binary()))
def test_pieces_hash_like_the_whole(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    for algorithm in ("sha256", "sha512"):
        hasher = Hasher.like(f"{algorithm}:{hashlib.new(algorithm).hexdigest()}")
        for piece in pieces:
            hasher.update(piece)
        assert hasher.digest == f"{algorithm}:{hashlib.new(algorithm, whole).hexdigest()}"
        assert hasher.size == len(whole)
