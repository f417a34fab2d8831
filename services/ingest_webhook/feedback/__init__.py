"""Where people say what they think of a push (NF-04, IM-42)."""
