"""Makes the published documents from the models: JSON Schema and AsyncAPI."""
