"""Each event of an account, a number, a template and the like (fact sheet, chapter 10)."""

from typing import NamedTuple

from tests.providers.whatsapp.bodies import DISPLAY_PHONE_NUMBER, Part, a_value, an_echo
from tests.providers.whatsapp.shapes import AN_IMAGE, AUTHOR, GROUP_ID

TEMPLATE = "order_confirmation"
_OF_TEMPLATE = {
    "message_template_id": 1689556908129832,
    "message_template_name": TEMPLATE,
    "message_template_language": "en-US",
}
_OF_NUMBER = {"display_phone_number": DISPLAY_PHONE_NUMBER}
_ALERT = {
    "entity_type": "BUSINESS",
    "entity_id": "506914307656634",
    "alert_info": {
        "alert_severity": "WARNING",
        "alert_status": "ACTIVE",
        "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED",
        "alert_description": "Limits cannot be increased for your business.",
    },
}


class Notice(NamedTuple):
    """An event of one of the fields but ``messages``."""

    field: str
    value: Part
    about: str | None = None


NOTICES: tuple[Notice, ...] = (
    Notice(
        "message_template_status_update",
        {
            "event": "REJECTED",
            **_OF_TEMPLATE,
            "reason": "INVALID_FORMAT",
            "message_template_category": "MARKETING",
            "rejection_info": {"reason": "x", "recommendation": "y"},
        },
        TEMPLATE,
    ),
    Notice(
        "message_template_status_update",
        {
            "event": "PAUSED",
            **_OF_TEMPLATE,
            "reason": None,
            "disable_info": {"disable_date": 1739321024},
            "other_info": {"title": "FIRST_PAUSE", "description": "Paused for 3 hours"},
        },
        TEMPLATE,
    ),
    Notice(
        "message_template_quality_update",
        {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW", **_OF_TEMPLATE},
        TEMPLATE,
    ),
    Notice(
        "template_category_update",
        {**_OF_TEMPLATE, "previous_category": "UTILITY", "new_category": "MARKETING"},
        TEMPLATE,
    ),
    Notice(
        "message_template_components_update",
        {
            **_OF_TEMPLATE,
            "message_template_element": "Your order number is {{1}}.",
            "message_template_buttons": [{"message_template_button_type": "URL"}],
        },
        TEMPLATE,
    ),
    Notice("account_update", {"event": "ACCOUNT_DELETED"}),
    Notice(
        "account_update",
        {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}},
    ),
    Notice(
        "account_update",
        {
            "event": "DISABLED_UPDATE",
            "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "April 17, 2025"},
        },
    ),
    Notice(
        "account_update",
        {
            "event": "ACCOUNT_RESTRICTION",
            "restriction_info": [
                {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"},
                {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"},
            ],
        },
    ),
    Notice(
        "phone_number_quality_update",
        {**_OF_NUMBER, "event": "THROUGHPUT_UPGRADE", "current_limit": "TIER_UNLIMITED"},
        DISPLAY_PHONE_NUMBER,
    ),
    Notice(
        "phone_number_name_update",
        {**_OF_NUMBER, "decision": "APPROVED", "rejection_reason": None},
        DISPLAY_PHONE_NUMBER,
    ),
    Notice("security", {**_OF_NUMBER, "event": "PIN_CHANGED"}, DISPLAY_PHONE_NUMBER),
    Notice("business_username_updates", {**_OF_NUMBER, "status": "approved"}, DISPLAY_PHONE_NUMBER),
    Notice(
        "business_capability_update",
        {"max_daily_conversations_per_business": -1, "max_phone_numbers_per_waba": 25},
    ),
    Notice("account_alerts", _ALERT, "506914307656634"),
    Notice("account_review_update", {"decision": "APPROVED"}),
    Notice(
        "user_preferences",
        a_value(
            contacts=[{"profile": {"name": "Sheena Nelson"}, "wa_id": AUTHOR}],
            user_preferences=[
                {
                    "wa_id": AUTHOR,
                    "detail": "User requested to stop marketing messages",
                    "category": "marketing_messages",
                    "value": "stop",
                }
            ],
        ),
        AUTHOR,
    ),
    Notice(
        "group_lifecycle_update",
        a_value(groups=[{"group_id": GROUP_ID, "type": "group_create", "subject": "Succulents"}]),
        GROUP_ID,
    ),
    Notice(
        "calls", a_value(calls=[{"id": "wacid.A", "from": AUTHOR, "event": "connect"}]), "wacid.A"
    ),
    Notice(
        "calls",
        a_value(statuses=[{"id": "wacid.A", "type": "call", "status": "RINGING"}]),
        "wacid.A",
    ),
    Notice(
        "smb_message_echoes", a_value(message_echoes=[an_echo(timestamp=None)]), an_echo()["id"]
    ),
    Notice(
        "smb_app_state_sync",
        a_value(
            state_sync=[
                {
                    "type": "contact",
                    "contact": {"full_name": "Pablo Morales", "phone_number": AUTHOR},
                    "action": "add",
                }
            ]
        ),
        AUTHOR,
    ),
    Notice(
        "history",
        a_value(
            history=[
                {
                    "metadata": {"phase": 0, "chunk_order": 1, "progress": 55},
                    "threads": [{"id": AUTHOR, "messages": [an_echo(), an_echo()]}],
                }
            ]
        ),
        AUTHOR,
    ),
    Notice(
        "history",
        a_value(history=[{"errors": [{"code": 2593109, "title": "History sync is turned off"}]}]),
    ),
    Notice(
        "history",
        a_value(messages=[{"from": AUTHOR, "id": "wamid.A", "type": "image", "image": AN_IMAGE}]),
        "wamid.A",
    ),
    Notice("field_of_the_future", {"anything": [1, {"deep": None}]}),
)
