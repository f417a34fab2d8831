"""`sendtrail wecom`: a group send is cancelled, its members are reminded (WX 2)."""

import asyncio
import json
from collections.abc import Sequence

from typer.testing import CliRunner, Result

from cli.app import app
from tests.providers.wecom.scripts import Script, a_wecom, told
from tests.providers.wecom.sends import CORP, SECRET, SENDER
from tests.providers.whatsapp.wire import Answer

CANCEL, REMIND = "cancel_groupmsg_send", "remind_groupmsg_send"


async def sendtrail(call: str, answers: Sequence[Answer], *words: str) -> tuple[Result, Script]:
    """Run a command against a WeCom that answers that call so."""
    async with a_wecom({call: answers}) as script:
        apps = [{"corpId": CORP, "agentId": 1000002, "secret": SECRET, "customerContact": True}]
        environment = {"WECOM_APPS": json.dumps(apps), "WECOM_API_BASE_URL": script.url}
        run = CliRunner().invoke
        return await asyncio.to_thread(run, app, ["wecom", *words], env=environment), script


async def test_a_group_send_is_cancelled() -> None:
    result, script = await sendtrail(CANCEL, [told()], "cancel", SENDER, "msg1")

    assert (result.exit_code, result.output) == (0, "cancelled\n")
    assert [call.json for call in script.calls(CANCEL)] == [{"msgid": "msg1"}]


async def test_its_members_are_reminded() -> None:
    result, script = await sendtrail(REMIND, [told()], "remind", SENDER, "msg1")

    assert (result.exit_code, result.output) == (0, "reminded\n")
    assert [call.json for call in script.calls(REMIND)] == [{"msgid": "msg1"}]


async def test_what_wecom_refuses_is_told_with_its_code() -> None:
    refused = told(errcode=41094, errmsg="remind limit, hint: [1], from ip: 10.0.0.1, more")

    result, _ = await sendtrail(REMIND, [refused], "remind", SENDER, "msg1")

    assert result.exit_code == 1
    assert result.output == "not reminded: remind limit, hint: [1] (code 41094)\n"


async def test_an_app_that_is_not_in_the_settings_is_named() -> None:
    result, script = await sendtrail(CANCEL, [told()], "cancel", "ww0.1", "msg1")

    assert result.exit_code == 2
    assert "WECOM_APPS has no app ww0.1" in result.output
    assert script.calls() == []
