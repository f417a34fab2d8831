"""Whose callbacks are taken: the apps of WeCom companies, mini-programs and service accounts."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class App:
    """One app of ours, with what its callbacks are signed and encrypted with."""

    account_id: str
    """WeCom: the corp id. WeChat: the app id. What is encrypted for us names it."""
    token: bytes = field(repr=False)
    """Signs; both sides know it."""
    key: bytes | None = field(repr=False)
    """Encrypts: 32 bytes. None where a WeChat app sends its callbacks in plain."""
    agent_id: str | None = None
    """Which of a WeCom company's apps it is."""
