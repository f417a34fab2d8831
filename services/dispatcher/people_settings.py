"""What the dispatcher reads from the environment about how people are to be treated."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from domain.consent import Words
from domain.quiet_hours import Nights, QuietHours
from runtime.settings import Settings


def _listed(given: Any) -> Any:  # noqa: ANN401 - whatever was given
    if not isinstance(given, str):
        return given
    return tuple(word.strip() for word in given.split(",") if word.strip())


def _hours(given: Any) -> Any:  # noqa: ANN401 - whatever was given
    return QuietHours.parse(given) if isinstance(given, str) else given


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class PeopleSettings(Settings):
    """Each field is the environment variable of the same name."""

    opt_out_words: Listed = ("STOP", "UNSUBSCRIBE", "退订", "TD")
    """Comma-separated; who answers nothing but one of them is not written to any more. None: only
    the command line opts out."""
    opt_in_words: Listed = ("START", "UNSTOP", "恢复订阅")
    """The same for being written to again."""
    dispatcher_quiet_hours: Annotated[QuietHours | None, NoDecode, BeforeValidator(_hours)] = None
    """When nobody is woken, on the recipient's clock: ``21:00-08:00``. Empty: at no time."""
    dispatcher_default_zone: ZoneInfo = ZoneInfo("UTC")
    """Where those live whose number does not tell, as ``Asia/Shanghai``."""

    @field_validator("opt_out_words")
    @classmethod
    def _are_words(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        Words.of(given, ())
        return given

    @field_validator("opt_in_words")
    @classmethod
    def _are_other_words(cls, given: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        Words.of(info.data.get("opt_out_words", ()), given)
        return given

    @property
    def words(self) -> Words:
        """The words that are understood."""
        return Words.of(self.opt_out_words, self.opt_in_words)

    @property
    def nights(self) -> Nights:
        """When nobody is woken, and on whose clock."""
        return Nights(self.dispatcher_quiet_hours, self.dispatcher_default_zone)
