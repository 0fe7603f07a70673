"""Reading SCAP files: the hardened XML reader, and what a content file offers."""
