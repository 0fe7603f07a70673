"""`install`: the agent as systemd services on this host, and away again."""
