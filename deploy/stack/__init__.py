"""A real Kafka and a real PostgreSQL on this machine, for demo, tests and benchmarks."""

from deploy.stack.errors import StackError
from deploy.stack.kafka import Kafka
from deploy.stack.ports import Ports
from deploy.stack.postgres import Postgres
from deploy.stack.stack import Stack, lease, lease_empty

__all__ = ["Kafka", "Ports", "Postgres", "Stack", "StackError", "lease", "lease_empty"]
