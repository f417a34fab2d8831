"""What the dispatcher reads from the environment."""

from datetime import timedelta

from pydantic import Field, ValidationInfo, field_validator

from domain.breaker import Breaker
from providers.whatsapp.settings import WhatsAppSettings
from runtime.daily_limits import DailyLimitSettings, EmptyIsNone
from runtime.kafka.sealing import TopicKeySettings
from runtime.robot_alerts import AlertSettings
from runtime.settings import DatabaseSettings, process_name
from runtime.vault import VaultSettings
from services.dispatcher.people_settings import PeopleSettings


class LimitSettings(DailyLimitSettings):
    """The limits of all senders, cases and recipients."""

    case_daily_limit: EmptyIsNone = None
    """Messages a day to one case (CF-18)."""
    case_send_interval: timedelta | None = None
    """The least time between two messages to one case (CF-18)."""
    recipient_daily_limit: EmptyIsNone = None
    """Messages a day to one recipient, whoever sends (CF-17)."""


class DispatcherSettings(
    AlertSettings,
    DatabaseSettings,
    VaultSettings,
    TopicKeySettings,
    LimitSettings,
    PeopleSettings,
    WhatsAppSettings,
):
    """Each field is the environment variable of the same name."""

    http_port: int = 8085
    """Health and metrics."""
    dispatcher_max_in_flight: int = 2_000
    """Requests taken from Kafka and not finished; bounds the memory. When four tenths are taken
    up, a slow account's are put down in PostgreSQL, so that no other's wait behind them."""
    dispatcher_calls_per_sender: int = 64
    """Calls at once for one sending account. Also bounds what a crash leaves in doubt."""
    dispatcher_settle_after: timedelta = timedelta(minutes=10)
    """How long evidence of an in-doubt message is waited for (IM-08)."""
    dispatcher_claim_lasts: timedelta = timedelta(seconds=30)
    """A call must begin within this time of its claim."""
    dispatcher_abandoned_after: timedelta = timedelta(seconds=60)
    """A claim without an outcome for so long belonged to a process that is gone; longer than the
    claim and the call together may last."""
    dispatcher_results_within: timedelta = timedelta(hours=24)
    """How long results are asked for where a provider tells them only when asked (CF-12)."""
    dispatcher_owner: str = Field(default_factory=process_name)
    """Names this process in the ledger."""
    dispatcher_halted_longest: timedelta = timedelta(hours=1)
    """How long messages wait for a sender that cannot send before they fail."""
    dispatcher_first_probe_within: timedelta = Field(default=timedelta(minutes=30), gt=timedelta(0))
    """The longest that a sender that cannot send is left alone before it is probed first."""
    sender_breaker_share: float = Field(default=Breaker().share, gt=0, le=1)
    """A sender is halted when this share of a window's outcomes, or more, are failures that may be
    its own (IM-55)."""
    sender_breaker_after: int = Field(default=Breaker().after, ge=0)
    """Outcomes that make a window; 0: no sender is halted for that."""
    sender_breaker_window: timedelta = Field(default=timedelta(minutes=10), gt=timedelta(0))
    """How long a window that does not fill goes on."""

    @field_validator("dispatcher_abandoned_after")
    @classmethod
    def _is_longer_than_a_call(cls, given: timedelta, info: ValidationInfo) -> timedelta:
        known = info.data.get("dispatcher_claim_lasts"), info.data.get("whatsapp_answer_within")
        lasts = sum((one for one in known if one is not None), timedelta(0))
        if given <= lasts:
            raise ValueError(
                "must exceed DISPATCHER_CLAIM_LASTS and WHATSAPP_ANSWER_WITHIN together,"
                f" which is {lasts.total_seconds():g} s, or a live call would count as abandoned"
            )
        return given

    @property
    def sender_breaker(self) -> Breaker:
        """When a sender is halted for its failures."""
        return Breaker(share=self.sender_breaker_share, after=self.sender_breaker_after)
