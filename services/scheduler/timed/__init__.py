"""Timed pushes: planned, previewed, fired, told of."""
