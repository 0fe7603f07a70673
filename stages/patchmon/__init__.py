"""Everything that the PatchMon server speaks: connections, messages, submission."""
