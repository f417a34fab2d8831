"""What a message or a notice holds when nobody says what (WA 9 and 10)."""

from simulator.whatsapp.updates import Json

# type -> content; text, media, reactions and changed numbers are made of the order.
CONTENTS: dict[str, Json | list[Json]] = {
    "location": {
        "latitude": 37.4847,
        "longitude": -122.1473,
        "name": "Building 20",
        "address": "1 Hacker Way, Menlo Park",
    },
    "contacts": [
        {
            "name": {"formatted_name": "Ada Example", "first_name": "Ada"},
            "phones": [{"phone": "+1 650-555-0002", "wa_id": "16505550002", "type": "CELL"}],
        }
    ],
    "button": {"payload": "Unsubscribe", "text": "Unsubscribe"},
    "interactive": {
        "type": "button_reply",
        "button_reply": {"id": "cancel-button", "title": "Cancel"},
    },
    "order": {
        "catalog_id": "194836987003835",
        "text": "",
        "product_items": [
            {
                "product_retailer_id": "di9ozbzfi4",
                "quantity": 3,
                "item_price": 30,
                "currency": "ILS",
            }
        ],
    },
    "unsupported": {"type": "poll"},
    "edit": {
        "original_message_id": "wamid.original",
        "message": {"type": "text", "text": {"body": "Edited."}},
    },
    "revoke": {"original_message_id": "wamid.original"},
}

UNSUPPORTED: Json = {
    "code": 131051,
    "title": "Message type unknown",
    "message": "Message type unknown",
    "error_data": {"details": "Message type is currently not supported."},
}

REFERRAL: Json = {
    "source_url": "https://fb.me/3cr4Wqqkv",
    "source_id": "120226305854810726",
    "source_type": "ad",
    "headline": "Chat with us",
    "body": "Summer succulents are here!",
    "media_type": "image",
    "image_url": "https://scontent.example/t45.jpg",
    "ctwa_clid": "ARAkLkA8rmlFeiCktEJQ-QTwRiyYHAFDLMNDBH0CD3qpjd0HR4irJ6LEkR7JwLF4",
    "welcome_message": {"text": "Hi there! Let us know how we can help!"},
}

# field -> value of an event about the account, its templates or its numbers.
ACCOUNT_EVENTS: dict[str, Json] = {
    "message_template_status_update": {
        "event": "APPROVED",
        "message_template_id": 1689556908129832,
        "message_template_name": "order_status_update",
        "message_template_language": "en",
        "reason": "NONE",
        "message_template_category": "UTILITY",
    },
    "message_template_quality_update": {
        "previous_quality_score": "GREEN",
        "new_quality_score": "YELLOW",
        "message_template_id": 1689556908129832,
        "message_template_name": "order_status_update",
        "message_template_language": "en",
    },
    "template_category_update": {
        "message_template_id": 1689556908129832,
        "message_template_name": "order_status_update",
        "message_template_language": "en",
        "previous_category": "UTILITY",
        "new_category": "MARKETING",
    },
    "message_template_components_update": {
        "message_template_id": 1689556908129832,
        "message_template_name": "order_status_update",
        "message_template_language": "en",
        "message_template_element": "Your order {{1}} is now: {{2}}.",
    },
    "account_update": {
        "event": "ACCOUNT_VIOLATION",
        "violation_info": {"violation_type": "ADULT"},
    },
    "phone_number_quality_update": {
        "event": "THROUGHPUT_UPGRADE",
        "display_phone_number": "15550783881",
        "current_limit": "TIER_UNLIMITED",
    },
    "business_capability_update": {
        "max_daily_conversations_per_business": "TIER_2K",
        "max_phone_numbers_per_waba": 25,
    },
    "account_alerts": {
        "entity_type": "WABA",
        "alert_severity": "WARNING",
        "alert_status": "ACTIVE",
        "alert_type": "OBA_APPROVED",
        "alert_description": "Simulated.",
    },
    "account_review_update": {"decision": "APPROVED"},
    "phone_number_name_update": {
        "display_phone_number": "15550783881",
        "decision": "APPROVED",
        "requested_verified_name": "Sendtrail Sandbox",
        "rejection_reason": None,
    },
    "security": {
        "event": "PIN_CHANGED",
        "display_phone_number": "15550783881",
        "requester": "1001",
    },
    "business_username_updates": {"display_phone_number": "15550783881", "status": "approved"},
}
