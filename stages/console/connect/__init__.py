"""`connect`: this host gets a server: credentials, settings, and a test of the connection."""
