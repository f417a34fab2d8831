"""Who may do what: tenants, roles, users, and what they show to be let in (AU-01, IM-29, IM-30).

Written by ``administration`` alone; every service reads them (runtime/credentials.py).
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

tenants = sa.Table(
    "tenants",
    METADATA,
    # The word that messages and jobs carry.
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("disabled_at", MOMENT),
    sa.Column("created_at", MOMENT, nullable=False),
)

roles = sa.Table(
    "roles",
    METADATA,
    sa.Column("role_id", sa.BigInteger, sa.Identity(), primary_key=True),
    # Null: every tenant has it.
    sa.Column("tenant_id", sa.Text, sa.ForeignKey("tenants.tenant_id")),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("permissions", ARRAY(sa.Text), nullable=False),
    # Kept as services/administration/roles.py says, and changed by nobody.
    sa.Column("is_built_in", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("disabled_at", MOMENT),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.UniqueConstraint(
        "tenant_id", "name", name="roles_name_key", postgresql_nulls_not_distinct=True
    ),
)

users = sa.Table(
    "users",
    METADATA,
    sa.Column("user_id", sa.BigInteger, sa.Identity(), primary_key=True),
    # What they sign in with; a machine has one too, for people to know it by.
    sa.Column("wechat_id", sa.String(100), nullable=False, unique=True),
    # The same person as WeChat names them to our app (CF-27).
    sa.Column("openid", sa.String(64), unique=True),
    sa.Column("name", sa.String(100), nullable=False),
    # Null: sees every tenant's data.
    sa.Column("tenant_id", sa.Text, sa.ForeignKey("tenants.tenant_id"), index=True),
    sa.Column("role_id", sa.BigInteger, sa.ForeignKey("roles.role_id"), nullable=False),
    # Machines sign in with API keys only.
    sa.Column("is_machine", sa.Boolean, nullable=False, server_default=sa.false()),
    # Argon2id; null: cannot sign in by password.
    sa.Column("password_hash", sa.Text),
    # Grows when every session there is shall end.
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("disabled_at", MOMENT),
    sa.Column("created_at", MOMENT, nullable=False),
)

credentials = sa.Table(
    "credentials",
    METADATA,
    sa.Column("credential_id", sa.BigInteger, sa.Identity(), primary_key=True),
    # A session's `jti`, or the SHA-256 of an API key.
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.user_id"), nullable=False, index=True),
    sa.Column("is_api_key", sa.Boolean, nullable=False),
    sa.Column("name", sa.String(100)),
    # Of the user when the session began; null: outlives changes of the password.
    sa.Column("version", sa.Integer),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("expires_at", MOMENT, index=True),
    sa.Column("revoked_at", MOMENT),
)

login_failures = sa.Table(
    "login_failures",
    METADATA,
    # SHA-256 of a name or an address: a password may have been typed in place of the name.
    sa.Column("who", sa.LargeBinary, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("since", MOMENT, nullable=False, index=True),
)
