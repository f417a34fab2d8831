"""One JSON line an event: a constant name and ids as fields, never content or a phone number."""

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_AIOKAFKA = str(Path(aiokafka.__file__).parent)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        line.update((k, v) for k, v in vars(record).items() if k not in _STANDARD)
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _is_ours(record: logging.LogRecord) -> bool:
    """Return whether it says more than that a task inside aiokafka met the broker's absence.

    Cut short, its commits and fetches leave such tasks behind, which asyncio calls an error.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, KafkaError) and _AIOKAFKA in record.getMessage())


def configure(level: str) -> None:
    """Send the whole process's log to standard error as JSON lines.

    The access log of the web server is off: paths of callbacks carry ids, queries carry tokens.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
    # aiokafka repeats each connection failure at error level; what it means for us is logged by us.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("asyncio").addFilter(_is_ours)
