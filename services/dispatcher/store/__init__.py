"""The dispatcher's SQL: one module a table family, one function a statement."""
