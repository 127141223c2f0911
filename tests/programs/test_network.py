"""The programs run where nothing outside this machine can be reached (`tools/offline`)."""

from __future__ import annotations

import os
import socket

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED


def test_nothing_outside_can_be_reached() -> None:
    interfaces = [name for _, name in socket.if_nameindex()]
    if interfaces != ["lo"] and not os.environ.get(NOTHING_MAY_BE_SKIPPED):
        pytest.skip("these tests were not started by `make test-clients`, or this system has no network namespaces")
    assert interfaces == ["lo"]
    with pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("192.0.2.1", 80), 5)
