"""The WhatsApp side of the world: numbers, token, templates, subscriptions, windows."""

from dataclasses import dataclass, field

from simulator.clock import SimClock
from simulator.media import Shelf
from simulator.settings import Settings
from simulator.whatsapp.limits import PairLimits, RateBuckets
from simulator.whatsapp.templates import Templates

_WINDOW_S = 86_400
_UPLOADS_KEPT_S = 30 * 86_400.0


@dataclass(slots=True)
class Subscriptions:
    """Where webhooks go: the number's own URL, else the account's, else the app's (WA 7.1)."""

    by_number: dict[str, str] = field(default_factory=dict[str, str])
    account: str | None = None
    app: str | None = None

    def url_for(self, sender: str) -> str | None:
        """Return the callback of a number; none when nobody has subscribed."""
        return self.by_number.get(sender) or self.account or self.app


class Account:
    """One app, one WhatsApp business account and its numbers."""

    def __init__(self, settings: Settings, clock: SimClock) -> None:
        self.settings = settings
        self.app_id = settings.app_id
        self.waba_id = settings.waba_id
        self.app_secret = settings.app_secret.get_secret_value().encode()
        self.displays = {
            number: f"1555078{3881 + place:04d}"
            for place, number in enumerate(settings.phone_number_ids)
        }
        """Phone number id -> the number itself, digits."""
        self.subscriptions = Subscriptions(app=settings.callback_url)
        self._clock = clock
        self.renew_token(settings.access_token.get_secret_value())
        self.forget_traffic()

    def renew_token(self, token: str | None = None) -> None:
        """Give out a new token, or prolong the old one."""
        self._token = token or self._token
        self._token_since = self._clock.now()

    def is_token(self, presented: str | None) -> bool:
        """Say whether this is the account's token."""
        return presented == self._token

    def is_token_expired(self, lifetime_s: float) -> bool:
        """Say whether the token is older than its lifetime; 0: it lives for ever."""
        return lifetime_s > 0 and self._clock.now() - self._token_since > lifetime_s

    def forget_traffic(self) -> None:
        """Start limits, windows, templates and media over."""
        self.templates = Templates()
        self.media = Shelf(self._clock, _UPLOADS_KEPT_S)
        self.rates = RateBuckets()
        self.pairs = PairLimits()
        self._last_inbound: dict[str, float] = {}
        self._first_called: dict[str, float] = {}

    def note_inbound(self, user: str) -> None:
        """Open the 24-hour window of a user."""
        self._last_inbound[user] = self._clock.now()

    def has_window(self, user: str) -> bool:
        """Say whether the user has written within the last 24 hours."""
        last = self._last_inbound.get(user)
        return last is not None and self._clock.now() - last < _WINDOW_S

    def since_first_call(self, recipient: str) -> float:
        """Return the seconds since the first call for this recipient, this one included."""
        now = self._clock.now()
        return now - self._first_called.setdefault(recipient, now)
