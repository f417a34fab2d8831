"""What every process runs on. It knows that records have topics and keys, not what they mean."""
