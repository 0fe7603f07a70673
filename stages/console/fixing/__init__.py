"""Re-checking rules of a scan, and fixing what failed."""
