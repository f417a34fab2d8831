"""Saving a callback URL: the GET that must be answered exactly (WX 8, WX 14.4)."""

from http import HTTPStatus

import aiohttp

from simulator.tencent.channel import Verification


async def problem_of(url: str, asked: Verification) -> str | None:
    """Ask the URL to prove that it knows the secrets; return what is wrong with its answer."""
    limit = aiohttp.ClientTimeout(total=asked.within_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(url, params=asked.query, allow_redirects=False) as response,
        ):
            body = await response.text()
            status = response.status
    except TimeoutError:
        return f"no answer within {asked.within_s:g} s"
    except (aiohttp.ClientError, OSError, ValueError):
        return "no answer"
    if status != HTTPStatus.OK:
        return f"HTTP status {status}"
    return None if body == asked.expected else "the answer is not the plain text of echostr"
