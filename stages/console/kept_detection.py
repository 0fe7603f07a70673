"""The scanners of this host as the scan stage has detected them."""

from collections.abc import Mapping

from schemas.capabilities import DETECTED_STATE, Detected, DetectedScanner
from schemas.ids import Scanner
from spool.spool import Spool


def kept_detection(spool: Spool) -> Mapping[Scanner, DetectedScanner]:
    """By key; none where nothing has been detected yet."""
    detected = spool.state_store("scan").read(DETECTED_STATE, Detected)
    if detected is None:
        return {}
    return detected.scanners
