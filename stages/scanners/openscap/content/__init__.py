"""Security content of our own, as SCAP 1.3 source datastreams.

`LINUX` holds on any Linux; the scan stage takes it where no installed content fits this host.
`EVERY_RESULT` makes oscap say every XCCDF result word, be slow, and fail: for tests and
development, never for a verdict on a host. What each of its profiles does is described in the file.
"""

from pathlib import Path

LINUX = Path(__file__).with_name("compliance-agent-linux-ds.xml")
EVERY_RESULT = Path(__file__).with_name("every-result-ds.xml")
