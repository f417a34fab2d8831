"""How the pages look that anybody may open, and which language they speak."""
