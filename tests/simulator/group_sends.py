"""Group sends of WeCom as a product creates and watches them."""

from tests.simulator.product import Json, Product
from tests.simulator.wecom_calls import CUSTOMERS, called

CREATE = "externalcontact/add_msg_template"
LIST = "externalcontact/get_groupmsg_list_v2"
TASK = "externalcontact/get_groupmsg_task"
RESULT = "externalcontact/get_groupmsg_send_result"
REMIND = "externalcontact/remind_groupmsg_send"
CANCEL = "externalcontact/cancel_groupmsg_send"

SENDER = "zhangsan"
OF_SENDER = CUSTOMERS[0::3]
TEXT: Json = {"content": "你好"}
HOUR_S, DAY_S = 3600, 86_400


async def created(product: Product, *targets: str, **fields: object) -> str:
    """Create a group send and return its id."""
    order = {"external_userid": list(targets or OF_SENDER[:3]), "sender": SENDER, "text": TEXT}
    made = await called(product, CREATE, **{**order, **fields})
    assert made["errcode"] == 0, made
    return made["msgid"]


async def rows(product: Product, msgid: str, member: str = SENDER) -> dict[str, int]:
    """Return what the results say of each customer."""
    found = await called(product, RESULT, msgid=msgid, userid=member)
    assert found["errcode"] == 0, found
    return {row["external_userid"]: row["status"] for row in found["send_list"]}


async def statuses(product: Product, msgid: str) -> dict[str, int]:
    """Return what the results say of each member."""
    found = await called(product, TASK, msgid=msgid)
    return {task["userid"]: task["status"] for task in found["task_list"]}


async def true_life(product: Product, msgid: str) -> Json:
    [shown] = (await product.order("GET", f"wecom/group_sends?msgid={msgid}")).body["items"]
    return shown


async def confirmed(product: Product, msgid: str, **how: object) -> int:
    return (await product.order("POST", f"wecom/group_sends/{msgid}/confirm", how)).status
