"""Records that pass between the stages, and the one codec for them."""
