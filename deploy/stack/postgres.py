"""One real PostgreSQL server as a daemon of the stack."""

import os
import signal
import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import errorcodes, sql

from deploy.stack.daemons import Daemon, last_words
from deploy.stack.errors import StackError
from deploy.stack.locks import locked
from deploy.stack.places import Places, check_free_space, make_outside, unfinished
from deploy.stack.ports import Ports
from deploy.stack.postgres_programs import identity, programs

DATABASE = "sendtrail"
MAINTENANCE = "postgres"  # The database that is always there.
ROLE = "postgres"

STARTS_WITHIN = timedelta(seconds=60)
STOPS_WITHIN = timedelta(seconds=15)
ANSWERS_WITHIN_SECONDS = 3

# Honest about durability (fsync and synchronous_commit stay on); the rest fits two cores.
SETTINGS = {
    "max_connections": "100",
    "max_locks_per_transaction": "256",
    "shared_buffers": "256MB",
    "wal_level": "minimal",  # Nobody replicates from here; COPY into a new table skips the log.
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "io_method": "sync",  # The workers of PostgreSQL 18 only pay off with idle cores.
    "jit": "off",  # Compiling costs more than our short statements take.
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "unix_socket_permissions": "0700",
}


@dataclass(frozen=True)
class Postgres:
    """The database server of one stack. Every method may be called in any state, any process."""

    places: Places
    ports: Ports
    password: str

    @property
    def dsn(self) -> str:
        """The database `sendtrail` as superuser, over the Unix socket, as libpq reads it."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Any database of this server, over the Unix socket, as libpq reads it."""
        host = quote(str(self._sockets), safe="")
        return f"postgresql://{ROLE}@/{database}?host={host}&port={self.ports.postgres}"

    @property
    def url(self) -> str:
        """DATABASE_URL: the same for SQLAlchemy, whose default driver is another one than ours."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Any database of this server, for SQLAlchemy with psycopg2."""
        return self.dsn_of(database).replace("postgresql://", "postgresql+psycopg2://", 1)

    @property
    def tcp_dsn(self) -> str:
        """The database `sendtrail` over TCP, with the password; for tools that know no sockets."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.ports.postgres}/{DATABASE}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, while it runs."""
        server = self._daemon.find()
        return None if server is None else server.pid

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.places.logs / "postgres.log"

    def is_ready(self) -> bool:
        """Whether a query is answered."""
        return self.pid is not None and self._answers(DATABASE)

    def start(self) -> None:
        """Start the server on its port and data; returns when it answers. Raises StackError."""
        with self._alone():
            if self._daemon.find() is None:
                self._launch()
            self._daemon.resume()
            self._daemon.wait_until_ready(lambda: self._answers(MAINTENANCE), STARTS_WITHIN)
            self._create_database()

    def stop(self) -> None:
        """End every session and shut down cleanly."""
        with self._alone():
            self._daemon.stop(signal.SIGINT, STOPS_WITHIN)

    def kill(self) -> None:
        """Kill -9 the postmaster and its children; what was committed is there after `start`."""
        with self._alone():
            self._daemon.kill()

    def suspend(self) -> None:
        """Freeze the server and its sessions (SIGSTOP)."""
        self._daemon.suspend()

    def resume(self) -> None:
        """Let it go on after `suspend`."""
        self._daemon.resume()

    @property
    def _sockets(self) -> Path:
        return self.places.short / "s"

    @property
    def _home(self) -> Path:
        """Where the data lies: for root outside the checkout, where `nobody` can reach it."""
        return self.places.state if identity() is None else self.places.short

    @property
    def data(self) -> Path:
        """Where the server's own files lie: tables, indexes, its log of writes."""
        return self._home / "postgres"

    @property
    def _daemon(self) -> Daemon:
        # Each process of a PostgreSQL server works in its data directory.
        def is_it(process: psutil.Process) -> bool:
            return process.name() == "postgres" and process.cwd() == str(self.data)

        return Daemon("PostgreSQL", self.places.state / "postgres.pid", self.log, is_it)

    def _alone(self) -> AbstractContextManager[None]:
        return locked(self.places.state / "postgres.lock")

    def _launch(self) -> None:
        self.ports.check_free("postgres")
        self.places.logs.mkdir(parents=True, exist_ok=True)
        self._make_homes()
        check_free_space(self._home)
        if not self.data.is_dir():
            self._initialise()
        self._remove_stale_locks()
        options = SETTINGS | {
            "port": str(self.ports.postgres),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._sockets),
        }
        server = [str(programs(self.places) / "postgres"), "-D", str(self.data)]
        flags = [f"--{name}={value}" for name, value in options.items()]
        self._daemon.launch([*server, *flags], identity())

    def _make_homes(self) -> None:
        """Create the directories that only the server (and root) may enter."""
        make_outside(self.places)
        for directory in (self.places.short, self._sockets):
            directory.mkdir(mode=0o700, exist_ok=True)
            self._hand_over(directory)

    def _initialise(self) -> None:
        """Create the cluster in one step: a half-made one would never start."""
        with unfinished(self.data) as data:
            secret = data.with_suffix(".password")
            secret.touch(mode=0o600)
            secret.write_text(self.password)
            for path in (data, secret):
                self._hand_over(path)
            self._run_initdb(data, secret)
            secret.unlink()

    def _run_initdb(self, data: Path, secret: Path) -> None:
        """Byte order with Unicode's letters, trust on our private socket, a password on TCP."""
        user = identity()
        options = (
            f"--username={ROLE} --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 "
            "--locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --no-sync"
        )
        with self.log.open("ab") as log:
            ran = subprocess.run(
                [programs(self.places) / "initdb", *options.split(), f"--pwfile={secret}", data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                cwd="/",
                user=None if user is None else user.uid,
                group=None if user is None else user.gid,
                extra_groups=None if user is None else [],
            )
        if ran.returncode != 0:
            raise StackError(f"PostgreSQL could not create its data: {last_words(self.log)}")

    def _remove_stale_locks(self) -> None:
        """Remove what a killed server left: if its process id is in use again, it stops a start.

        Safe because `_daemon` has just found no process in the data directory, and we hold the
        lock under which every start happens.
        """
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for leftover in self._sockets.glob(".s.PGSQL.*"):
            leftover.unlink()

    def _hand_over(self, path: Path) -> None:
        user = identity()
        if user is not None:
            os.chown(path, user.uid, user.gid)

    def _answers(self, database: str) -> bool:
        try:
            self._run(database, sql.SQL("select 1"))
        except psycopg2.OperationalError:
            return False
        return True

    def _create_database(self) -> None:
        if self._answers(DATABASE):
            return
        try:
            self._run(MAINTENANCE, sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        except psycopg2.Error as error:
            if error.pgcode != errorcodes.DUPLICATE_DATABASE:
                raise StackError(f"PostgreSQL has no database {DATABASE}: {error}") from error

    def _run(self, database: str, statement: sql.Composable) -> None:
        connection = psycopg2.connect(self.dsn_of(database), connect_timeout=ANSWERS_WITHIN_SECONDS)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()
