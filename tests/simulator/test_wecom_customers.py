"""What can be read of customers, tags and customer groups at the start (WX 4; section 1)."""

from tests.simulator.product import Json, Product
from tests.simulator.wecom_calls import CHATS, CUSTOMERS, called, code_of, token_of

ABOUT = "externalcontact"


async def asked(product: Product, name: str, **query: str) -> Json:
    token = await token_of(product)
    return (await product.wecom(f"{ABOUT}/{name}", access_token=token, **query)).body


async def test_three_members_have_two_hundred_customers(product: Product) -> None:
    members = (await asked(product, "get_follow_user_list"))["follow_user"]

    found = [(await asked(product, "list", userid=member))["external_userid"] for member in members]

    assert members == ["zhangsan", "lisi", "wangwu"]
    assert {customer for listed in found for customer in listed} == set(CUSTOMERS)


async def test_a_member_without_customers_is_an_error_with_an_empty_list(product: Product) -> None:
    nobody = await asked(product, "list", userid="sim-1")
    unknown = await asked(product, "list", userid="nobody")

    assert (nobody["errcode"], nobody["external_userid"]) == (84061, [])
    assert unknown["errcode"] == 60111


async def test_customers_come_with_tags_and_phone_numbers_page_by_page(product: Product) -> None:
    name, members = f"{ABOUT}/batch/get_by_user", ["zhangsan", "lisi", "wangwu"]
    found: list[Json] = []
    lengths: list[int] = []
    cursor = ""
    while cursor or not found:
        page = await called(product, name, userid_list=members, limit=100, cursor=cursor)
        found += page["external_contact_list"]
        lengths.append(len(page["external_contact_list"]))
        cursor = page["next_cursor"]

    default = await called(product, name, userid_list=members, limit=101)
    assert len(default["external_contact_list"]) == 50
    assert lengths == [100, 100, 20]
    assert {item["external_contact"]["external_userid"] for item in found} == set(CUSTOMERS)
    assert {len(item["follow_info"]["tag_id"]) for item in found} == {2}
    assert all(item["follow_info"]["remark_mobiles"] for item in found)
    assert await code_of(product, name, userid_list=["nobody"]) == 60111
    assert await code_of(product, name, userid_list=["sim-1"] * 101) == 40058


async def test_tags_are_asked_for_by_group_or_one_by_one(product: Product) -> None:
    name = f"{ABOUT}/get_corp_tag_list"
    everything = (await called(product, name))["tag_group"]
    level, region = everything
    one = level["tag"][0]["id"]

    by_tag = (await called(product, name, tag_id=[one]))["tag_group"]
    by_group = await called(product, name, tag_id=[one], group_id=[region["group_id"]])

    assert [tag["name"] for tag in level["tag"]] == ["Gold", "Silver", "Bronze"]
    assert [tag["id"] for group in by_tag for tag in group["tag"]] == [one]
    assert by_group["tag_group"] == [region]


async def test_customer_groups_are_listed_by_owner_and_looked_up(product: Product) -> None:
    name = f"{ABOUT}/groupchat/list"
    everything = await called(product, name, limit=1000)
    owned = await called(product, name, limit=1000, owner_filter={"userid_list": ["lisi"]})
    page = await called(product, name, limit=15)

    found = await called(product, f"{ABOUT}/groupchat/get", chat_id=CHATS[1], need_name=1)

    assert [chat["chat_id"] for chat in everything["group_chat_list"]] == CHATS
    assert [chat["chat_id"] for chat in owned["group_chat_list"]] == CHATS[1::3]
    assert (len(page["group_chat_list"]), bool(page["next_cursor"])) == (15, True)
    group = found["group_chat"]
    assert (group["owner"], {member["type"] for member in group["member_list"]}) == ("lisi", {1, 2})
    assert all(member["name"] for member in group["member_list"])
    assert await code_of(product, f"{ABOUT}/groupchat/get", chat_id="wrUnknown") == 40050
