"""How a mini-program or service account whose callbacks we take is written in the settings."""

from typing import Annotated

from pydantic import Field

from providers.tencent.apps import App
from providers.tencent.settings import CallbackApp, EncodingAesKey, Token, aes_key


class WechatCallbackApp(CallbackApp):
    """One app; the same again with another token or key while these are changed (WX 14.4)."""

    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    token: Token
    encoding_aes_key: EncodingAesKey | None = None
    """With it callbacks must be encrypted; without it they must be in plain."""

    @property
    def app(self) -> App:
        """What its callbacks are checked against."""
        sealing = self.encoding_aes_key
        return App(
            account_id=self.app_id,
            token=self.token.get_secret_value().encode(),
            key=None if sealing is None else aes_key(sealing),
        )
