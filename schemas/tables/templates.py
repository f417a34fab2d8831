"""The WhatsApp templates that may be sent (WA-12). Written by ``providers/whatsapp`` alone."""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

whatsapp_templates = sa.Table(
    "whatsapp_templates",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("template_name", sa.String(100), nullable=False, unique=True),
    # The body's text in the language of the row.
    sa.Column("template_content", sa.Text, nullable=False),
    sa.Column("language_code", sa.String(10), nullable=False, server_default="en"),
    # order_update, appointment, promotion …; of a template from Meta's list its own word.
    sa.Column("category", sa.String(50), nullable=False),
    # By language, what is to be filled in, and Meta's status:
    # {"en": {"body": ["1", "2"], "header": "image", "buttons": [{"kind": "url",
    # "is_filled": true}], "status": "APPROVED"}}
    sa.Column("variables", sa.JSON),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.func.now()),
)
