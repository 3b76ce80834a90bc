from __future__ import annotations

import pytest

from bootworthy.errors import DocumentError
from bootworthy.oci.registry.address import Address
from bootworthy.oci.registry.proxies import proxy_for
from bootworthy.oci.registry.secret import Secret


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "https://a.example/", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://a.example/", "http://p:3128"),
        ({"https_proxy": "http://p:3128"}, "https://a.example/", "http://p:3128"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://high:2"}, "https://a.example/", "http://low:1"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://a.example/", None),
        ({"HTTP_PROXY": "p:3128"}, "http://a.example/", "http://p:3128"),
        ({"ALL_PROXY": "https://p"}, "http://a.example/", "https://p:443"),
        ({"all_proxy": "http://p", "https_proxy": "http://q"}, "https://a.example/", "http://q:80"),
        ({"HTTPS_PROXY": ""}, "https://a.example/", None),
        ({"ALL_PROXY": "http://[fd00::1]:8"}, "https://a.example/", "http://[fd00::1]:8"),
        ({"ALL_PROXY": "http://p"}, "https://127.0.0.1:5000/", None),
        ({"ALL_PROXY": "http://p"}, "http://localhost/", None),
        ({"ALL_PROXY": "http://p"}, "http://[::1]/", None),
    ],
)
def test_the_proxy_is_that_of_the_environment(environ: dict[str, str], url: str, proxy: str | None) -> None:
    found = proxy_for(Address.parse(url).origin, environ)
    assert (found.url if found else None) == proxy


@pytest.mark.parametrize(
    ("entry", "url", "direct"),
    [
        ("*", "https://a.example/", True),
        ("a.example", "https://a.example/", True),
        ("example", "https://a.example/", True),
        (".example", "https://a.example/", True),
        ("*.example", "https://a.example/", True),
        ("A.EXAMPLE", "https://a.example/", True),
        ("xample", "https://a.example/", False),
        ("b.a.example", "https://a.example/", False),
        ("a.example:443", "https://a.example/", True),
        ("a.example:8443", "https://a.example/", False),
        ("a.example:8443", "https://a.example:8443/", True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3", "https://10.1.2.3:5000/", True),
        ("10.1.2.3:5000", "https://10.1.2.3:5001/", False),
        (".2.3", "https://10.1.2.3/", False),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("fd00::1", "https://[fd00::1]/", True),
        ("[fd00::1]:5000", "https://[fd00::1]:5000/", True),
        ("[fd00::1]:5000", "https://[fd00::1]/", False),
        ("other, a.example ,third", "https://a.example/", True),
        ("other a.example", "https://a.example/", True),
        (",,", "https://a.example/", False),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_names_what_is_spoken_to_directly(name: str, entry: str, url: str, direct: bool) -> None:
    environ = {"ALL_PROXY": "http://p", name: entry}
    assert (proxy_for(Address.parse(url).origin, environ) is None) is direct


def test_credentials_of_a_proxy_are_kept_apart() -> None:
    found = proxy_for(Address.parse("https://a.example/").origin, {"HTTPS_PROXY": "http://me:s%40fe@p:3128"})
    assert found is not None
    assert found.login == Secret("me:s@fe")
    assert found.url == "http://p:3128"
    assert "s@fe" not in repr(found)
    assert "s%40fe" not in repr(found)


@pytest.mark.parametrize("value", ["socks5://me:secret@p:1080", "http://me:secret@", "http://me:secret@p:x", "://"])
def test_a_proxy_that_is_none_is_said_without_its_value(value: str) -> None:
    with pytest.raises(DocumentError) as caught:
        proxy_for(Address.parse("https://a.example/").origin, {"HTTPS_PROXY": value})
    assert caught.value.problems[0].where == "HTTPS_PROXY"
    assert "secret" not in str(caught.value.as_json())
