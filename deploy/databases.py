"""Migrated databases for runs that begin with empty tables; each a copy that takes some 50 ms."""

import psycopg2
import sqlalchemy as sa
from psycopg2 import sql

from deploy.stack import Postgres
from schemas.tables.migrate import migrate

TEMPLATE = "migrated"


class Databases:
    """Makes databases on one server."""

    def __init__(self, server: Postgres) -> None:
        self._server = server

    def prepare(self) -> None:
        """Migrate the template, which nobody may use for anything else."""
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        engine = sa.create_engine(self._server.url_of(TEMPLATE), poolclass=sa.NullPool)
        try:
            migrate(engine)
        finally:
            engine.dispose()

    def create(self, name: str) -> str:
        """Copy the template; returns the SQLAlchemy URL of the copy."""
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(copy.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        return self._server.url_of(name)

    def _run(self, statement: sql.Composable) -> None:
        connection = psycopg2.connect(self._server.dsn_of("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()
