"""The administration's metrics; each help text ends with what to do when it moves."""

from prometheus_client import Counter

LOGINS = Counter(
    "administration_logins",
    "Sign-ins by outcome: ok, refused, locked, throttled. refused or locked rising: somebody "
    "guesses passwords; the proxy's log knows from where.",
    ["outcome"],
)
