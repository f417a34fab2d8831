"""A rebuild's SQL: the shadow, what is compared of each read model, and how it is put right."""
