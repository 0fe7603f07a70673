"""The parse stage: turns what a scanner wrote into a report. No network, no privileges."""
