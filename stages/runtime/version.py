"""The agent's own version.

A constant that the package is built with: asking the installed package's metadata would cost every
stage 2 MB.
"""

AGENT_VERSION = "0.1.0"
