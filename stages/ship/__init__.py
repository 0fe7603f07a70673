"""The ship stage: every report reaches the server, in order, once, or its receipt says why not."""
