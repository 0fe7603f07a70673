"""The ship stage: every report is delivered once, in order, or gets a receipt with the reason."""
