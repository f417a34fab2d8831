"""The statements, a module a table."""
