import gc
import sys
import threading

import pytest

from bootworthy.layers.bulk import bulk


@pytest.mark.parametrize("enabled", [True, False])
def test_python_runs_as_before_afterwards(enabled: bool) -> None:
    before, interval = gc.isenabled(), sys.getswitchinterval()
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError), bulk(), bulk():
            assert not gc.isenabled()
            assert sys.getswitchinterval() < interval
            raise ZeroDivisionError
        assert gc.isenabled() == enabled
        assert sys.getswitchinterval() == interval
    finally:
        (gc.enable if before else gc.disable)()


def test_blocks_of_threads_that_overlap_end_with_the_last() -> None:
    interval = sys.getswitchinterval()
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with bulk():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with bulk():
        thread.start()
        assert inside.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()
    assert sys.getswitchinterval() == interval
