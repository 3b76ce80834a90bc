from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bootworthy.matrix import format as formats
from bootworthy.matrix.attempt import Attempt
from tests import matrices

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["os_release", "PRETTY_NAME", "root", "free", "network", "failed_units", "module", "message"]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def test_what_evidence_says_is_shown() -> None:
    attempt = Attempt.of(matrices.evidence())
    assert attempt.date == "2026-03-01"
    assert attempt.started == "2026-03-01 12:30:00 UTC"
    assert attempt.times == (("Kernel entry", 0.9), ("Userspace", 6.4), ("Healthy", 21.7))
    assert dict(attempt.guest) == {
        "System": "Debian GNU/Linux 12 (bookworm)",
        "Kernel": "6.1.0-41-cloud-amd64 x86_64",
        "Init": "systemd, running",
        "Failed units": "none",
        "Root": "ext4, 780 MiB free, writable: /, /var",
        "Module": "dummy loaded",
        "Network": "eth0, link, 10.0.2.15/24",
    }
    assert dict(attempt.host)["Host kernel"] == "6.12.9"
    assert attempt.command == "bootworthy prove debian-12"


def test_the_date_is_that_of_utc() -> None:
    assert Attempt.of(matrices.evidence(started="2026-03-01T23:30:00-05:00")).date == "2026-03-02"


def test_a_guest_that_said_nothing_has_no_facts() -> None:
    assert Attempt.of(matrices.evidence(guest=None)).guest == ()


@given(st.fixed_dictionaries(dict.fromkeys(("guest", "checks", "again", "tool", "last_lines"), json_values)))
def test_evidence_that_others_wrote_is_always_shown(fields: dict[str, Any]) -> None:
    attempt = matrices.evidence(**fields)
    cell = "debian-12/debian-6.1/qemu-microvm-x86_64"
    matrix = matrices.matrix(seen_as={cell: matrices.seen("qemu-microvm", [attempt])})
    for each in formats.known().values():
        assert each.render(matrix, formats.Look()).encode()
