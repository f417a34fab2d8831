"""Files in the media store that our own people brought, to be sent (IM-39).

Written by ``scheduler`` alone. What people sent us is in `inbound_media`.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

media_uploads = sa.Table(
    "media_uploads",
    METADATA,
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("mime_type", sa.String(100), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("tenant_id", sa.Text),
    sa.Column("uploaded_by", sa.String(50), nullable=False),
    sa.Column("uploaded_at", MOMENT, nullable=False),
    sa.Index("media_uploads_uploaded", "uploaded_at"),
)
