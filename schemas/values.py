"""The types of the values in settings, each with a description for messages.

What one scanner alone has is in the settings of its folder.
"""

from typing import Annotated

from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=4096)]
ProfileText = Annotated[str, Meta(min_length=1, max_length=256)]
ProfileTexts = Annotated[tuple[ProfileText, ...], Meta(min_length=1, max_length=64)]
# `$(?!\n)`: `$` alone also matches before a line's end.
# User and password are refused, because addresses appear in logs and in `--json`.
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://([^\s/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[^\s?#]*)?$(?!\n)",
        max_length=2048,
        description=(
            "an address like https://patchmon.example.com, https or http in lower case, "
            "without user and password, ? and #"
        ),
    ),
]
AbsolutePath = Annotated[
    str, Meta(pattern=r"^/", max_length=4096, description="an absolute path, which begins with /")
]
ContentName = Annotated[
    str,
    Meta(
        pattern=r"^(/.*|[A-Za-z0-9][A-Za-z0-9_.-]{0,127})$(?!\n)",
        max_length=4096,
        description="an absolute path, or the name of a channel like ubuntu2404_CIS_1",
    ),
]
TimeLimit = Annotated[int, Meta(ge=10, le=24 * 3600)]
MessageText = Annotated[str, Meta(max_length=256)]
MessageId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.-]{0,256}$(?!\n)",
        description="an id of at most 256 letters, digits and _ . -",
    ),
]
ScanInterval = Annotated[int, Meta(ge=60, le=10080, description="minutes, from 60 to 10080")]
UpdateInterval = Annotated[int, Meta(ge=1, le=10080, description="minutes, from 1 to 10080")]
HeaderText = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]{1,512}$(?!\n)",
        description="a text of at most 512 visible ASCII characters, which a header can carry",
    ),
]
ProxyUrl = Annotated[
    str,
    Meta(
        pattern=r"^(none|https?://[^\s/?#]+/?)$(?!\n)",
        max_length=2048,
        description="an address like http://proxy.example.com:3128, or none",
    ),
]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Megabytes = Annotated[int, Meta(ge=1, le=1024 * 1024)]
