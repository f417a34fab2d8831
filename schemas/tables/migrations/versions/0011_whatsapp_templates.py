"""WhatsApp templates are known before they are sent; two are built in (WA-10…WA-12)."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE whatsapp_templates (
            id SERIAL PRIMARY KEY,
            template_name VARCHAR(100) NOT NULL UNIQUE,
            template_content TEXT NOT NULL,
            language_code VARCHAR(10) NOT NULL DEFAULT 'en',
            category VARCHAR(50) NOT NULL,
            variables JSON,
            is_active BOOLEAN NOT NULL DEFAULT TRUE,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """
    )
    op.execute(
        """
        INSERT INTO whatsapp_templates (template_name, template_content, category, variables)
        VALUES
            ('order_status_update', 'Your order {{1}} is now: {{2}}.', 'order_update',
             '{"en": {"body": ["1", "2"]}}'),
            ('appointment_reminder', 'Your appointment is on {{1}} for {{2}}.', 'appointment',
             '{"en": {"body": ["1", "2"]}}')
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE whatsapp_templates")
