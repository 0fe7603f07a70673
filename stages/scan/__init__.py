"""The scan stage: detects the scanners, runs them one at a time, keeps what they wrote."""
