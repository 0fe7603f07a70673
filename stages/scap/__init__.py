"""Reading SCAP files: the hardened XML reader, and what a file of content offers."""
