from uuid import UUID

from bootworthy.host.boot import NONE, boot_id, same_boot


def test_this_start_is_this_start() -> None:
    assert len(boot_id()) == 16
    assert UUID(bytes=boot_id()).version == 4
    assert same_boot(boot_id())


def test_no_other_start_is_this_one() -> None:
    assert not same_boot(bytes([1] * 16))
    assert not same_boot(NONE)
