"""What every stage process is made of: settings, logs, doorbell, watch, signals, one loop."""
