"""What a provider's code means for another attempt, whichever provider's it is (IM-09, IM-53)."""

from domain.failures import FailureClass
from providers.wechat import failures as wechat
from providers.wecom import failures as wecom
from providers.whatsapp import failures as whatsapp

_REFUSED = 400


def class_of(channel: str, provider_code: str) -> FailureClass | None:
    """Return the class; None of a channel that is not ours, and of a word that is no code.

    >>> class_of("whatsapp", "131042")
    <FailureClass.SENDER_BROKEN: 'sender_broken'>
    """
    match channel:
        case "whatsapp":
            return whatsapp.class_of(provider_code, _REFUSED)
        case "wecom":
            return wecom.class_of(int(provider_code)) if _is_number(provider_code) else None
        case "wechat":
            return wechat.meaning_of(provider_code).follows
        case _:
            return None


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
