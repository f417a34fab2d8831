"""Everything that crosses a process boundary, described once."""
