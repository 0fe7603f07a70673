"""Errors of the spool: what the program decides by, beside the text for people."""

import errno
from pathlib import Path

import pytest

from spool.errors import StorageError


@pytest.mark.parametrize(
    ("number", "is_denied"),
    [(errno.EACCES, True), (errno.EPERM, True), (errno.ENOSPC, False), (errno.EIO, False)],
)
def test_a_denied_access_is_known_without_reading_the_message(number: int, is_denied: bool) -> None:
    error = StorageError("can't be read", Path("/spool"), OSError(number, "anything"))
    assert error.is_denied is is_denied
