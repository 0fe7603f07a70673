"""The trigger stage: schedules, the server's commands and the operator's become requests."""
