"""Two templates of previews that everybody has; files that our own people bring."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Create, and enter the two."""
    op.execute(
        """
        CREATE TABLE media_uploads (
            key VARCHAR(255) NOT NULL,
            mime_type VARCHAR(100) NOT NULL,
            size BIGINT NOT NULL,
            tenant_id TEXT,
            uploaded_by VARCHAR(50) NOT NULL,
            uploaded_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (key)
        );
        CREATE INDEX inbound_media_key ON inbound_media (key) WHERE key IS NOT NULL;
        INSERT INTO t_preview_templates (template_id, name, content, created_at, built_in)
        VALUES
            ('course-reminder', '课程提醒', jsonb_build_object('text',
             '【课程提醒】' || chr(10) || '同学们好，课程即将开始，请提前 10 分钟进入课堂。'
             || chr(10) || '时间：' || chr(10) || '地点：'), now(), true),
            ('event-notice', '活动通知', jsonb_build_object('text',
             '【活动通知】' || chr(10) || '诚邀您参加我们的活动，期待您的光临！'
             || chr(10) || '时间：' || chr(10) || '地点：' || chr(10) || '报名方式：'),
             now(), true);
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DELETE FROM t_preview_templates WHERE built_in")
    op.execute("DROP INDEX inbound_media_key")
    op.execute("DROP TABLE media_uploads")
