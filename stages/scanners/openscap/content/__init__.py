"""Security content of our own, as SCAP 1.3 source datastreams.

`LINUX` applies to any Linux; the scan stage uses it where no installed content fits this host.
`EVERY_RESULT` makes oscap return every XCCDF result, run slowly, and fail: it is for tests and
development, never for a verdict on a host. The file describes each of its profiles.
"""

from pathlib import Path

LINUX = Path(__file__).with_name("compliance-agent-linux-ds.xml")
EVERY_RESULT = Path(__file__).with_name("every-result-ds.xml")
