"""What a call to WeCom that did not work says to its caller, and to who wants a token (WX 13)."""

from datetime import timedelta
from typing import Final, Self

from providers.tencent import tokens
from providers.tencent.shared_tokens import Refusal
from providers.wecom.failures import Kind, kind_of, pause_of

_REFUSED_FOR: Final = {
    Kind.CONFIGURATION: timedelta(minutes=15),
    Kind.PERMANENT: timedelta(minutes=15),
}
"""Five wrong secrets in a row block our address for an hour."""


class CallFailed(tokens.CallFailed):
    """A call did not work; ``why`` is a word or two for logs and metrics, never an address."""

    def __init__(
        self,
        why: str,
        code: int | None = None,
        *,
        status: int | None = None,
        text: str | None = None,
        in_doubt: bool = False,
    ) -> None:
        self.code = code
        """WeCom's ``errcode``; None where it was not WeCom that spoke."""
        self.status = status
        """Of HTTP, where that is all there is: an answer of something in between."""
        self.text = text
        """WeCom's words beside the code."""
        self.in_doubt = in_doubt
        """Whether WeCom may have done what it was asked to."""
        super().__init__(why, self.retry_after or _REFUSED_FOR.get(self.kind, tokens.FAILED_FOR))

    @property
    def kind(self) -> Kind:
        """What follows for who asks for something."""
        return Kind.RETRYABLE if self.code is None else kind_of(self.code)

    @property
    def retry_after(self) -> timedelta | None:
        """How long WeCom wants to be left alone, where it is known."""
        return None if self.code is None else pause_of(self.code)

    @property
    def refusal(self) -> Refusal:
        """Return what whoever wants a token is told of it."""
        code = None if self.code is None else str(self.code)
        return Refusal(self.why, code, self.status, self.text)

    @classmethod
    def heard(cls, refusal: Refusal) -> Self:
        """Return why there is no token.

        Never in doubt: what the token was wanted for has not been asked.
        """
        code = None if refusal.code is None else int(refusal.code)
        return cls(refusal.why, code, status=refusal.status, text=refusal.words)
