"""OVAL results: why a definition came out as it did, in words."""
