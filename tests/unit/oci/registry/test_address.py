from __future__ import annotations

import pytest

from bootworthy.errors import NetworkError
from bootworthy.oci.registry.address import Address, Plain, origin_of


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("registry.example", "https://registry.example"),
        ("Registry.Example:5000", "https://registry.example:5000"),
        ("docker.io", "https://registry-1.docker.io"),
        ("[::1]:5000", "https://[::1]:5000"),
        ("localhost", "https://localhost"),
    ],
)
def test_names_lead_to_addresses(name: str, origin: str) -> None:
    assert str(origin_of(name)) == origin


@pytest.mark.parametrize(
    "text",
    ["ftp://a/", "https://", "https:///x", "https://u:p@a/", "https://u@a/", "https://a:0/", "https://a:99999/", "/x",
     "https://a b/", "https://a/\r\nX: y", "https://ä.example/", "https://[::1/", "https://a/" + "x" * 20000],
)  # fmt: skip
def test_what_is_no_address_is_said_without_its_secrets(text: str) -> None:
    with pytest.raises(NetworkError) as caught:
        Address.parse(text)
    assert caught.value.code == "registry.bad-address"
    assert "u:p" not in str(caught.value)


def test_a_location_may_be_relative() -> None:
    base = Address.parse("https://a.example:8443/v2/x/blobs/uploads/1?_state=s")
    assert Address.parse("/other?n=1", base).url == "https://a.example:8443/other?n=1"
    assert Address.parse("2", base).url == "https://a.example:8443/v2/x/blobs/uploads/2"
    assert Address.parse("//b.example/y", base).url == "https://b.example/y"


def test_an_address_is_shown_without_its_query() -> None:
    assert str(Address.parse("https://a.example:443/b?X-Signature=hidden")) == "https://a.example/b"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:5000", True), ("127.9.9.9", True), ("localhost:80", True), ("[::1]:5000", True),
        ("registry.lan:5000", True), ("REGISTRY.lan:5000", True), ("bare.lan", True), ("eighty.lan", True),
        ("registry.lan", False), ("registry.lan:5001", False), ("bare.lan:5000", False),
        ("127.example", False), ("localhost.example", False), ("10.0.0.1", False), ("[fe80::1]", False),
    ],
)  # fmt: skip
def test_plain_http_is_for_loopback_and_for_named_hosts(host: str, allowed: bool) -> None:
    plain = Plain.of(["Registry.lan:5000", "bare.lan", "eighty.lan:80"])
    address = Address.parse(f"http://{host}/")
    assert plain.allows(address.origin) is allowed
    assert plain.allows(origin_of(host.removesuffix(":80"))) is allowed
    if allowed:
        assert plain.check(address) is address
    else:
        with pytest.raises(NetworkError) as caught:
            plain.check(address)
        assert caught.value.code == "registry.plain-http"
        assert f'["{address.origin.authority}"]' in str(caught.value.hint)
    secure = Address.parse(f"https://{host}/")
    assert plain.check(secure) is secure
