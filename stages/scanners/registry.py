"""The scanners of this version."""

SCANNERS: tuple[str, ...] = ("openscap", "docker-bench")
