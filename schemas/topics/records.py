"""What all records have in common."""

from datetime import datetime
from typing import Annotated

import msgspec

MessageIdField = Annotated[
    str,
    msgspec.Meta(
        # The look-ahead: in Python `$` alone also matches before a closing line feed.
        pattern=r"^[A-Za-z0-9_.:-]{1,64}$(?!\n)",
        description="Ours, or the caller's own: unique for ever, the key of every guarantee.",
    ),
]
ProviderIdField = Annotated[
    str, msgspec.Meta(min_length=1, max_length=255, description="The provider's message id.")
]
SenderIdField = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_@-][A-Za-z0-9_@.-]{0,63}$(?!\n)",
        description="The sending account at the provider; WhatsApp: the phone number id.",
    ),
]
ChannelName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z][a-z0-9_-]{0,31}$(?!\n)",
        description="`whatsapp`, `wecom`, `wechat`, or a channel that was plugged in.",
    ),
]
Moment = Annotated[datetime, msgspec.Meta(tz=True, description="ISO 8601 with its offset; UTC.")]
ContextId = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Attempt = Annotated[int, msgspec.Meta(ge=1, description="The first attempt is 1.")]


class Record(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False
):
    """A record: immutable, camelCase on the wire, absent rather than null.

    Fields that a consumer does not know are passed over, so that a producer may be newer.
    """


class Command(Record, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A record that others write: a field we do not know is a mistake worth telling."""
