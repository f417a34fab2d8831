"""How a WeCom app whose callbacks we take is written in the settings (WX 8)."""

from typing import Annotated

from pydantic import Field

from providers.tencent.apps import App
from providers.tencent.settings import CallbackApp, EncodingAesKey, Token, aes_key


class WecomCallbackApp(CallbackApp):
    """One app of one company; the same again with another token or key while these are changed."""

    # Together they are the sender of what members write, which has at most 64 characters.
    corp_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    agent_id: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")] | None = None
    """For messages that do not say themselves to which app they were written."""
    token: Token
    encoding_aes_key: EncodingAesKey

    @property
    def app(self) -> App:
        """What its callbacks are checked against."""
        return App(
            account_id=self.corp_id,
            agent_id=self.agent_id,
            token=self.token.get_secret_value().encode(),
            key=aes_key(self.encoding_aes_key),
        )
