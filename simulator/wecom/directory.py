"""Who there is: members, their customers with tags, their customer groups (section 1; WX 4).

Beside those that are listed, every id of the simulator's own prefix exists, and every one that a
magic tail makes: a test needs thousands of people, not thousands of orders.
"""

from dataclasses import dataclass, field

from simulator.wecom.magic import MEMBERS, tail_of

MEMBER_NAMES = ("zhangsan", "lisi", "wangwu")
UNLISTED_MEMBER, UNLISTED_CUSTOMERS, UNLISTED_CHAT = "sim-", ("wmSim", "woSim"), "wrSim"
EVERYBODY = "1"
"""The one department, and the one tag of members."""

_CUSTOMERS, _CHATS = 200, 20
_SHARED = 10
"""Each customer of this number is followed by two members."""
_ALTOGETHER_S = 400 * 86_400
_DAY_S = 86_400.0
_SURNAMES, _NAMES = "赵钱孙李周吴郑王冯陈", ("伟", "芳", "娜", "敏", "静", "磊", "洋", "艳")
_TAGS: dict[str, tuple[str, ...]] = {
    "Level": ("Gold", "Silver", "Bronze"),
    "Region": ("North", "South"),
}


@dataclass(slots=True, frozen=True)
class Tag:
    """One tag for customers."""

    id: str
    name: str
    order: int


@dataclass(slots=True, frozen=True)
class TagGroup:
    """Tags of one kind."""

    id: str
    name: str
    order: int
    tags: tuple[Tag, ...]


@dataclass(slots=True)
class Customer:
    """An external contact; the first who follows it is whom it last talked with."""

    id: str
    name: str
    tags: tuple[str, ...]
    mobile: str
    since: float
    followers: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Chat:
    """A customer group; its owner and some customers are in it."""

    id: str
    name: str
    owner: str
    customers: tuple[str, ...]
    since: float


class Directory:
    """The company's people as they are now."""

    def __init__(self, now: float) -> None:
        self.began_at = now - _ALTOGETHER_S
        self.tag_groups = tuple(_tag_group(place, name) for place, name in enumerate(_TAGS))
        self.customers = {made.id: made for made in map(self._customer, range(_CUSTOMERS))}
        self.chats = {made.id: made for made in map(self._chat, range(_CHATS))}
        self._left: set[tuple[str, str]] = set()
        """Customers of the prefix or of a magic tail who are no longer a member's friends."""

    def is_member(self, userid: str) -> bool:
        """Say whether the company has this member, in the app's visible range."""
        tail = tail_of(userid)
        if tail is not None:
            return tail in MEMBERS and tail != "_invalid"
        return userid in MEMBER_NAMES or userid.startswith(UNLISTED_MEMBER)

    def follower_of(self, customer_id: str, sender: str) -> str | None:
        """Return who would send to a customer: this sender, or any where none is named.

        None: there is no such customer, or it is not the sender's friend.
        """
        customer = self.customers.get(customer_id)
        if customer is not None:
            found = customer.followers
            return sender if sender in found else (None if sender else next(iter(found), None))
        member = sender or MEMBER_NAMES[0]
        is_one = customer_id.startswith(UNLISTED_CUSTOMERS) or tail_of(customer_id) is not None
        is_gone = tail_of(customer_id) == "_invalid" or (member, customer_id) in self._left
        return member if is_one and not is_gone else None

    def has_chat(self, chat_id: str, owner: str) -> bool:
        """Say whether a member owns this customer group."""
        chat = self.chats.get(chat_id)
        if chat is not None:
            return chat.owner == owner
        tail = tail_of(chat_id)
        return tail != "_invalid" and (tail is not None or chat_id.startswith(UNLISTED_CHAT))

    def customers_of(self, member: str) -> list[Customer]:
        """Return a member's listed customers."""
        return [found for found in self.customers.values() if member in found.followers]

    def tagged(self, wanted: list[list[str]], member: str) -> list[str]:
        """Return the listed customers with a tag of each list; of one member if one is named."""
        return [
            found.id
            for found in self.customers.values()
            if all(set(found.tags) & set(tags) for tags in wanted)
            and (not member or member in found.followers)
        ]

    def has_tag(self, tag_id: str) -> bool:
        """Say whether there is such a tag for customers."""
        return any(tag_id == tag.id for group in self.tag_groups for tag in group.tags)

    def unfriend(self, member: str, customer_id: str) -> None:
        """Let a customer delete a member."""
        customer = self.customers.get(customer_id)
        if customer is None:
            self._left.add((member, customer_id))
        elif member in customer.followers:
            customer.followers.remove(member)

    def _customer(self, place: int) -> Customer:
        level, region = self.tag_groups
        followers = [MEMBER_NAMES[place % len(MEMBER_NAMES)]]
        if place % _SHARED == 0:
            followers.append(MEMBER_NAMES[(place + 1) % len(MEMBER_NAMES)])
        surname = _SURNAMES[place % len(_SURNAMES)]
        return Customer(
            id=f"wmSimulatedCustomer{place + 1:013d}",
            name=f"{surname}{_NAMES[place % len(_NAMES)]}",
            tags=(
                level.tags[place % len(level.tags)].id,
                region.tags[place % len(region.tags)].id,
            ),
            mobile=f"1380000{place + 1:04d}",
            since=self.began_at + place * _DAY_S,
            followers=followers,
        )

    def _chat(self, place: int) -> Chat:
        owner = MEMBER_NAMES[place % len(MEMBER_NAMES)]
        return Chat(
            id=f"wrSimulatedGroup{place + 1:016d}",
            name=f"Group {place + 1}",
            owner=owner,
            customers=tuple(found.id for found in self.customers_of(owner)[: place + 2]),
            since=self.began_at + place * _DAY_S,
        )


def _tag_group(place: int, name: str) -> TagGroup:
    tags = tuple(
        Tag(f"etSimulatedTag{place}{order}", tag, order) for order, tag in enumerate(_TAGS[name])
    )
    return TagGroup(f"etSimulatedTagGroup{place}", name, place, tags)
