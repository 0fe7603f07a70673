"""The agent's own version.

A constant that the package is built with: reading the metadata of the installed package would cost
every stage 2 MB.
"""

AGENT_VERSION = "0.1.0"
