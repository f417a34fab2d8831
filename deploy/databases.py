"""Migrated databases for runs that begin with empty tables; each a copy that takes some 50 ms."""

import psycopg2
import sqlalchemy as sa
from psycopg2 import sql

from deploy.stack import Postgres
from schemas.tables.migrate import migrate

TEMPLATE = "migrated"
KEPT = ("postgres", "template0", "template1", "sendtrail")
"""The server's own, and the one by which the stack asks whether the server answers."""


class Databases:
    """Makes and drops databases on one server."""

    def __init__(self, server: Postgres) -> None:
        self._server = server

    def prepare(self) -> None:
        """Drop the databases of earlier runs and migrate the template."""
        for name in self._names():
            if name not in KEPT:
                self.drop(name)
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        engine = sa.create_engine(self._server.url_of(TEMPLATE), poolclass=sa.NullPool)
        try:
            migrate(engine)
        finally:
            engine.dispose()

    def create(self, name: str) -> str:
        """Copy the template, over an older copy if there is one; returns its SQLAlchemy URL."""
        self.drop(name)
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(copy.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        return self._server.url_of(name)

    def drop(self, name: str) -> None:
        """Drop a database and end its sessions; harmless where there is none."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._run(statement.format(sql.Identifier(name)))

    def _names(self) -> list[str]:
        return [name for (name,) in self._run(sql.SQL("SELECT datname FROM pg_database"))]

    def _run(self, statement: sql.Composable) -> list[tuple[str]]:
        connection = psycopg2.connect(self._server.dsn_of("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()
