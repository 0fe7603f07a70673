"""The four stages of the pipeline, what they share, and the operator's command line."""
