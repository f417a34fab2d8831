"""Messages for several: whom they are for, and what is left of them without some (WX 2, WX 5)."""

from pathlib import Path

from schemas.topics.contents import GroupSendContent
from tests.providers.wecom.sends import a_channel, a_group_send, a_message, a_store, settings_for


async def test_a_message_for_several_can_leave_some_of_them_out(tmp_path: Path) -> None:
    async with a_channel(settings_for("http://127.0.0.1:1"), a_store(tmp_path)) as channel:
        campaign = a_group_send(targets=("wmAda", "wmBob", "wmEve"), customer_ids=(1, 2, 3))
        unnumbered = a_group_send(targets=("wmAda", "wmBob"))
        members = a_message(recipient="lisi|wangwu|zhangsan")

        assert channel.participants(campaign) == ("wmAda", "wmBob", "wmEve")
        assert channel.participants(members) == ("lisi", "wangwu", "zhangsan")
        left = channel.without(campaign, {"wmBob"}).content
        assert isinstance(left, GroupSendContent)
        assert (left.targets, left.customer_ids) == (("wmAda", "wmEve"), (1, 3))
        left = channel.without(unnumbered, {"wmBob"}).content
        assert isinstance(left, GroupSendContent)
        assert (left.targets, left.customer_ids) == (("wmAda",), ())
        assert channel.without(members, {"lisi", "zhangsan"}).recipient == "wangwu"
        for alone in ("zhangsan", "chat:preview1", "robot:ops"):
            assert channel.participants(a_message(recipient=alone)) == ()


async def test_each_member_is_counted_and_nobody_else(tmp_path: Path) -> None:
    async with a_channel(settings_for("http://127.0.0.1:1"), a_store(tmp_path)) as channel:
        assert channel.counted(a_message(recipient="lisi|zhangsan")) == ("lisi", "zhangsan")
        assert channel.counted(a_message(recipient="zhangsan")) == ("zhangsan",)
        assert channel.counted(a_group_send(targets=("wmAda", "wmBob"))) == ()
        for alone in ("chat:preview1", "robot:ops"):
            assert channel.counted(a_message(recipient=alone)) == ()
