"""OpenSCAP: detection, content, runs, and reading its results."""
