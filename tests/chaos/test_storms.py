from tests.chaos.load import Kind, plan
from tests.chaos.storms import out_of_order

PLANNED = plan(6, special=0, trouble=0, ordinary=Kind(0, 1))
IDS = [one.message_id for one in PLANNED]


def test_conversations_may_overtake_each_other() -> None:
    arrived = [*IDS[::2], *IDS[1::2]]

    assert out_of_order(PLANNED, arrived) == []


def test_a_message_that_overtakes_another_of_its_conversation_is_out_of_order() -> None:
    arrived = [IDS[2], IDS[0], IDS[4], *IDS[1::2]]

    (wrong,) = out_of_order(PLANNED, arrived)

    assert wrong.endswith("+16505550000")


def test_one_that_never_arrived_disturbs_no_order() -> None:
    assert out_of_order(PLANNED, IDS[3:]) == []
