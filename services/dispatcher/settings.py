"""What the dispatcher reads from the environment."""

from datetime import timedelta

from pydantic import Field

from providers.whatsapp.settings import WhatsAppSettings
from runtime.settings import DatabaseSettings, process_name


class DispatcherSettings(DatabaseSettings, WhatsAppSettings):
    """Each field is the environment variable of the same name."""

    http_port: int = 8085
    """Health and metrics."""
    dispatcher_max_in_flight: int = 1_000
    """Requests taken from Kafka and not finished; bounds the memory."""
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
