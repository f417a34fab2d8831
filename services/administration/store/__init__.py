"""What the administration reads and writes."""
