"""OVAL results: the explanation of a definition's result, in plain text."""
