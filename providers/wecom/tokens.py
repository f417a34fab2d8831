"""What a call to WeCom that did not work says to its caller, and to who wants a token (WX 13)."""

from datetime import timedelta
from typing import Final

from providers.tencent import tokens
from providers.wecom.failures import Kind, kind_of, pause_of

_REFUSED_FOR: Final = {
    Kind.CONFIGURATION: timedelta(minutes=15),
    Kind.PERMANENT: timedelta(minutes=15),
}
"""Five wrong secrets in a row block our address for an hour."""


class CallFailed(tokens.CallFailed):
    """A call did not work; the argument is a word or two for logs and metrics, never an address."""

    def __init__(self, why: str, code: int = -1) -> None:
        self.kind = kind_of(code)
        self.retry_after = pause_of(code)
        super().__init__(why, self.retry_after or _REFUSED_FOR.get(self.kind, tokens.FAILED_FOR))
