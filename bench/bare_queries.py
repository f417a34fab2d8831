"""`python -m bench.bare_queries PORT URL`: what any query API costs before it looks anything up."""

import logging
import sys
from typing import Final

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from runtime.postgres import connect, in_thread

ROUTE: Final = "/route"
SELECT: Final = "/select"
POOL: Final = 8


def application(url: str) -> FastAPI:
    """Return a route that answers, and one that asks the database for a number."""
    app, engine = FastAPI(), connect(url, pool=POOL)

    @app.get(ROUTE)
    async def route() -> dict[str, int]:
        return {"one": 1}

    @app.get(SELECT)
    async def select() -> dict[str, int]:
        return {
            "one": await in_thread(engine, lambda c: c.execute(sa.text("SELECT 1")).scalar_one())
        }

    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    uvicorn.run(
        application(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
    )
