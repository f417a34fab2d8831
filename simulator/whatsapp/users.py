"""How a user is named: by number, or, where it is hidden, by a business-scoped user id (WA 9)."""

from simulator.knobs import Knobs
from simulator.whatsapp import ids
from simulator.whatsapp.updates import Json
from simulator.world import World


def hidden_id(world: World, user: str, knobs: Knobs) -> str | None:
    """Return the id that stands in the place of a user's number; none where the number does."""
    if not user.isdigit():
        return user
    if knobs.wa_username_users <= 0:
        return None
    is_hidden = world.chance("whatsapp.user", user).happens(
        "wa.username_users", knobs.wa_username_users
    )
    return ids.user_id(user) if is_hidden else None


def contact(user: str, hidden: str | None, name: str, username: str | None = None) -> Json:
    """Return the entry of `contacts[]`; where the number is hidden, without `wa_id`."""
    profile: Json = {"name": name}
    if username or hidden:
        profile["username"] = username or f"user_{(hidden or user)[-6:]}"
    if hidden:
        return {"profile": profile, "user_id": hidden}
    return {"profile": profile, "wa_id": user, "user_id": ids.user_id(user)}
