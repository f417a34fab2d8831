"""Users of two tenants who may be told something."""

import sqlalchemy as sa


def enter_people(database: sa.Engine) -> dict[str, str]:
    """Return the ids of users by their WeChat ids; `bo` has no openid, `eve` is another's."""
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO tenants (tenant_id, name, created_at)"
                " VALUES ('acme', 'Acme', now()), ('other', 'Other', now())"
            )
        )
        role = connection.execute(
            sa.text(
                "INSERT INTO roles (name, permissions, created_at) VALUES ('r', '{}', now())"
                " RETURNING role_id"
            )
        ).scalar_one()
        rows = connection.execute(
            sa.text(
                """
                INSERT INTO users (wechat_id, openid, name, tenant_id, role_id, created_at)
                VALUES ('ada', 'oAda', 'Ada', NULL, :role, now()),
                    ('bo', NULL, 'Bo', NULL, :role, now()),
                    ('eve', 'oEve', 'Eve', 'other', :role, now())
                RETURNING wechat_id, user_id
                """
            ),
            {"role": role},
        )
        return {row.wechat_id: str(row.user_id) for row in rows}
