"""The operator's commands on delivery: hold, release, retry, flush, export, import."""
