"""The projector's SQL, one function a statement: sets in, domain values out."""
