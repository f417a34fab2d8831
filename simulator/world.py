"""One isolated world: its clock, knobs, rules and ledger (section 1, row State)."""

from simulator.chance import Chance
from simulator.clock import SimClock
from simulator.knob_book import KnobBook
from simulator.ledger import Ledger
from simulator.profiles import COUNTING_PROFILES
from simulator.rules import RuleBook
from simulator.settings import Settings
from simulator.timers import Timers
from simulator.wechat.account import Account as WeChatAccount
from simulator.wecom.account import Account as WeComAccount
from simulator.whatsapp.account import Account


class World:
    """Everything that a seed and the calls so far have made of the simulated providers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SimClock(settings.time_scale)
        self.timers = Timers(self.clock)
        self.knobs = KnobBook(settings.profile)
        self.rules = RuleBook()
        self.ledger = self._empty_ledger(settings.profile)
        self.account = Account(settings, self.clock)
        """Of WhatsApp."""
        self.wecom = WeComAccount(settings, self.clock, self.knobs)
        self.wechat = WeChatAccount(settings, self.clock, self.knobs)
        self.public_url = settings.public_url or ""
        """Our address in webhooks; set once the port is known."""

    def chance(self, provider: str, key: str) -> Chance:
        """Return the choices that belong to one message of one provider."""
        return Chance(self.settings.seed, provider, key)

    def start_over(self, profile: str) -> None:
        """Forget everything but the settings and the subscriptions."""
        self.timers.clear()
        self.knobs.start_over(profile)
        self.rules = RuleBook()
        self.ledger = self._empty_ledger(profile)
        self.account.forget_traffic()
        self.account.renew_token()
        self.wecom.forget_traffic()
        self.wechat.forget_traffic()

    def _empty_ledger(self, profile: str) -> Ledger:
        by_profile = "counts" if profile in COUNTING_PROFILES else "full"
        return Ledger(keeps_records=(self.settings.ledger or by_profile) == "full")
