"""Docker Bench for Security: detection, runs, and reading its results."""
