"""The spool: facts on disk, one file each. Its format and its promises are in `spool/README.md`."""
