"""What is known of each scanner: one folder each, and what they share."""
