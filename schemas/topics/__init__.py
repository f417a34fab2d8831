"""The records on Kafka."""
