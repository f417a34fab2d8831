"""Access tokens of WeCom's and WeChat's apps, one for all processes (IM-28, WC-02).

Written by ``providers/tencent``, which dispatcher and fetcher run.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

access_tokens = sa.Table(
    "access_tokens",
    METADATA,
    # A keyed hash of the provider's address, the app and its secret.
    sa.Column("account", sa.LargeBinary, primary_key=True),
    # The token, or why there is none, under a key made of the app's secret. NULL: nobody got one.
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("noted_at", MOMENT, nullable=False),
    sa.Column("ends_at", MOMENT, nullable=False),
    # Until then somebody is taken to ask for a new one.
    sa.Column("renewed_by", MOMENT, nullable=False),
)
