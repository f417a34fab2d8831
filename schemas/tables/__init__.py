"""The tables, one module a family, described with SQLAlchemy Core."""

from sqlalchemy import MetaData

METADATA = MetaData()
