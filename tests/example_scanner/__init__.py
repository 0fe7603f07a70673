"""A scanner of the tests' own, all in this folder: it runs a small script and reads its lines.

`python -m tests.example_scanner` is the agent with this scanner; nothing else of the agent knows
it.
"""
