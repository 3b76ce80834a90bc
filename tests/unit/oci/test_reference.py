from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError, UsageError
from bootworthy.oci.reference import Reference

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("ubuntu", "docker.io/library/ubuntu:latest"),
        ("ubuntu:24.04", "docker.io/library/ubuntu:24.04"),
        ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
        ("index.docker.io/library/ubuntu", "docker.io/library/ubuntu:latest"),
        ("kairos/ubuntu:1", "docker.io/kairos/ubuntu:1"),
        ("localhost/bootworthy/debian-12:debian-6.1-kernel", "localhost/bootworthy/debian-12:debian-6.1-kernel"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        ("registry.example.com/a/b/c:V_1", "registry.example.com/a/b/c:V_1"),
        ("Host/a", "Host/a:latest"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        ("x/a__b/c---d:x", "docker.io/x/a__b/c---d:x"),
        (f"ubuntu@{DIGEST}", f"docker.io/library/ubuntu@{DIGEST}"),
        (f"h.example:1/a:t@{DIGEST}", f"h.example:1/a:t@{DIGEST}"),
    ],
)
def test_names_have_one_full_form(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("Ubuntu", "upper-case"),
        ("a//b", "empty"),
        ("/a", "empty"),
        ("a/", "empty"),
        ("a:", "not a tag"),
        ("a:-x", "not a tag"),
        ("a:" + "x" * 129, "not a tag"),
        ("a:x\n", "not a tag"),
        ("a@sha256:12", "not a digest"),
        ("a@", "not a digest"),
        ("https://example.com/a", "do not begin with 'https://'"),
        ("-a.b/c", "not a registry"),
        ("a___b", "not a part"),
        ("a b", "not a part"),
        ("../a", "not a registry"),
        ("x/../../a", "not a part"),
        ("ümlaut", "not a part"),
        ("a/" * 130 + "a", "longer"),
    ],
)
def test_bad_names_say_what_is_bad(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        Reference.parse(text)
    assert caught.value.code == "reference.bad"
    assert says in caught.value.message
    assert caught.value.hint


_PART = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)
_REFERENCES = st.builds(
    Reference,
    st.sampled_from(["docker.io", "localhost", "r.example:5000", "[fe80::1]", "UPPER"]),
    st.lists(_PART, min_size=2, max_size=4).map("/".join),
    st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True),
    st.none() | st.just(DIGEST),
)


@given(_REFERENCES)
def test_the_full_form_is_read_back(reference: Reference) -> None:
    full = reference if reference.tag or reference.digest else reference.tagged("latest")
    assert Reference.parse(str(full)) == full


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_a_clear_error(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except UsageError:
        return
    assert Reference.parse(str(reference)) == reference


def test_other_forms_of_a_name() -> None:
    reference = Reference.parse("localhost/a:1")
    assert str(reference.tagged("2")) == "localhost/a:2"
    assert str(reference.at(DIGEST)) == f"localhost/a:1@{DIGEST}"
    assert reference.name == "localhost/a"
    with pytest.raises(IntegrityError):
        reference.at("sha256:1")
    with pytest.raises(UsageError):
        reference.tagged("a b")
