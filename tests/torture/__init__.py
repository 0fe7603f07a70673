"""Torture: the whole agent under random trouble, and at the end a count of what went wrong."""
