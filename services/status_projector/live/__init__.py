"""Pushes what happens to connected clients, and goes on where a lost connection ended (IM-36)."""
