"""XCCDF: benchmarks and test results, versions 1.1 and 1.2."""
