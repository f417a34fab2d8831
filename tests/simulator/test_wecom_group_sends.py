"""The life of a company group send: members confirm, rows change (4.2; WX 2, 3)."""

import pytest

from tests.simulator.group_sends import (
    CREATE,
    DAY_S,
    HOUR_S,
    OF_SENDER,
    RESULT,
    SENDER,
    TEXT,
    confirmed,
    created,
    rows,
    statuses,
    true_life,
)
from tests.simulator.product import Product
from tests.simulator.wecom_calls import called, time_passes


async def test_a_confirmed_group_send_reaches_every_customer(product: Product) -> None:
    msgid = await created(product)

    found = await called(product, RESULT, msgid=msgid, userid=SENDER)

    now = product.simulator.world.clock.now()
    assert await statuses(product, msgid) == {SENDER: 2}
    assert [row["status"] for row in found["send_list"]] == [1, 1, 1]
    assert all(abs(row["send_time"] - now) < 60 for row in found["send_list"])
    assert found["next_cursor"] == ""


async def test_members_confirm_soon_late_or_never(product: Product) -> None:
    await product.knobs(wx_confirm_s=[5, 60], wx_late_s=[HOUR_S, 2 * HOUR_S])
    await time_passes(product, 0)
    ids: dict[str, str] = {}
    for mood, shares in {"now": [1, 0, 0], "late": [0, 1, 0], "never": [0, 0, 1]}.items():
        await product.knobs(wx_confirm=shares)
        ids[mood] = await created(product)

    seen: list[list[int]] = []
    for passes_s in (0, 60, 2 * HOUR_S, 90 * DAY_S):
        await time_passes(product, passes_s)
        seen.append([(await statuses(product, msgid))[SENDER] for msgid in ids.values()])

    assert seen == [[0, 0, 0], [2, 0, 0], [2, 2, 0], [2, 2, 0]]


async def test_rows_change_one_after_another(product: Product) -> None:
    await product.knobs(wx_send_ms=[1000, 1000])
    await time_passes(product, 0)
    msgid = await created(product, *OF_SENDER[:4])

    seen: list[tuple[list[int], int]] = []
    for _ in range(5):
        found = list((await rows(product, msgid)).values())
        seen.append((found, (await statuses(product, msgid))[SENDER]))
        await time_passes(product, 1)

    assert seen == [
        ([0, 0, 0, 0], 0),
        ([1, 0, 0, 0], 0),
        ([1, 1, 0, 0], 0),
        ([1, 1, 1, 0], 0),
        ([1, 1, 1, 1], 2),
    ]


async def test_one_half_may_come_late_with_the_task_unfinished_meanwhile(
    product: Product,
) -> None:
    await product.knobs(wx_partial=1, wx_late_s=[HOUR_S, HOUR_S])
    await time_passes(product, 0)
    msgid = await created(product, *OF_SENDER[:4])

    half, unfinished = await rows(product, msgid), await statuses(product, msgid)
    await time_passes(product, HOUR_S)

    assert (list(half.values()), unfinished) == ([1, 1, 0, 0], {SENDER: 0})
    assert list((await rows(product, msgid)).values()) == [1, 1, 1, 1]
    assert await statuses(product, msgid) == {SENDER: 2}


async def test_results_can_be_seen_some_time_after_the_fact(product: Product) -> None:
    await product.knobs(wx_result_lag_s=5)
    await time_passes(product, 0)
    msgid = await created(product)

    early, truth = await rows(product, msgid), await true_life(product, msgid)
    await time_passes(product, 5)

    assert set(early.values()) == {0}
    assert {row["status"] for row in truth["tasks"][0]["rows"]} == {1}
    assert set((await rows(product, msgid)).values()) == {1}


async def test_the_tail_of_a_customers_id_chooses_what_becomes_of_it(product: Product) -> None:
    await product.knobs(wx_late_s=[HOUR_S, HOUR_S])
    await time_passes(product, 0)
    tails = ["_notfriend", "_quota", "_never", "_late"]
    msgid = await created(product, "wmSimAnybody", *(f"wm1{tail}" for tail in tails))

    soon = await rows(product, msgid)
    await time_passes(product, HOUR_S)
    later = await rows(product, msgid)

    assert list(soon.values()) == [1, 2, 3, 0, 0]
    assert list(later.values()) == [1, 2, 3, 0, 1]


@pytest.mark.parametrize(
    ("sender", "customer", "after"),
    [("li_never", "wmSimA", [0, 0]), ("li_late", "wmSimA", [0, 2]), (SENDER, "wm_never", [0, 0])],
)
async def test_the_tail_of_a_member_or_of_all_customers_chooses_whether_it_is_confirmed(
    product: Product, sender: str, customer: str, after: list[int]
) -> None:
    await time_passes(product, 0)
    msgid = await created(product, customer, sender=sender)

    soon = (await statuses(product, msgid))[sender]
    await time_passes(product, DAY_S)

    assert [soon, (await statuses(product, msgid))[sender]] == after


async def test_rows_fail_by_knob(product: Product) -> None:
    await product.knobs(wx_status2=0.3, wx_status3=0.3)

    msgid = await created(product, external_userid=[])

    assert set((await rows(product, msgid)).values()) == {1, 2, 3}


async def test_a_member_may_remove_customers_where_that_is_allowed(product: Product) -> None:
    await product.knobs(wx_removed=0.5)

    fixed = await created(product, external_userid=[])
    free = await created(product, external_userid=[], allow_select=True)

    assert set((await rows(product, fixed)).values()) == {1}
    assert set((await rows(product, free)).values()) == {0, 1}
    assert await statuses(product, free) == {SENDER: 2}


async def test_a_customer_gets_as_many_a_month_as_it_has_days(product: Product) -> None:
    world = product.simulator.world
    await time_passes(product, 1_780_300_800 - world.clock.now())  # 1 June 2026
    sends = [await created(product, OF_SENDER[0], text={"content": str(n)}) for n in range(31)]

    june = [(await rows(product, msgid))[OF_SENDER[0]] for msgid in sends]
    await time_passes(product, 30 * DAY_S)
    july = await created(product, OF_SENDER[0])

    assert june == [1] * 30 + [3]
    assert await rows(product, july) == {OF_SENDER[0]: 1}


async def test_a_member_confirms_by_command_also_bit_by_bit(product: Product) -> None:
    await product.knobs(wx_confirm=[0, 0, 1])
    msgid = await created(product)

    seen = [list((await rows(product, msgid)).values())]
    for how in ({"member": SENDER, "count": 2}, {}):
        assert await confirmed(product, msgid, **how) == 200
        seen.append(list((await rows(product, msgid)).values()))

    assert seen == [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert await confirmed(product, msgid, member="lisi") == 404
    assert await confirmed(product, "msgUnknown") == 404


async def test_a_customer_who_leaves_in_between_is_no_friend_any_more(product: Product) -> None:
    await product.knobs(wx_confirm=[0, 0, 1])
    msgid = await created(product)
    await confirmed(product, msgid, count=1)

    for customer in OF_SENDER[:2]:
        await product.order("POST", "wecom/unfriend", {"member": SENDER, "customer": customer})
    await confirmed(product, msgid)

    assert list((await rows(product, msgid)).values()) == [1, 2, 1]
    again = await called(product, CREATE, external_userid=OF_SENDER[:1], sender=SENDER, text=TEXT)
    assert again["errcode"] == 41048
