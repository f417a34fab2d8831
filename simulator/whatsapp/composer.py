"""How updates become signed POSTs (section 3: grouping, signature, flat form)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from simulator.chance import Chance
from simulator.ledger import Callback
from simulator.whatsapp import oddities
from simulator.whatsapp.signature import HEADER, sign
from simulator.whatsapp.updates import Envelope, Update, as_sent, envelope, flat, ids_of
from simulator.world import World

_OTHER_SECRET = b"not the app secret"


class Composer:
    """Makes callbacks of updates, with the oddities that the knobs ask for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0

    def compose(self, updates: Sequence[Update]) -> list[Callback]:
        """Return the POSTs that tell these updates; none where nobody has subscribed."""
        by_url: dict[str, list[Update]] = {}
        for update in updates:
            url = self._world.account.subscriptions.url_for(update.sender)
            if url is None:
                self._world.ledger.tally.unsubscribed += 1
            else:
                by_url.setdefault(url, []).append(update)
        if self._world.knobs.world.wa_flat_callbacks:
            return [made for url, group in by_url.items() for made in self._flat(url, group)]
        return [made for url, group in by_url.items() for made in self._graph(url, group)]

    def _graph(self, url: str, updates: list[Update]) -> list[Callback]:
        account = self._world.account
        message_ids = ids_of(updates)
        chance = self._world.chance("whatsapp.callback", f"{message_ids[0]}{self._count}")
        body = as_sent(self._spiced(envelope(account.waba_id, account.displays, updates), chance))
        made = [self._signed(url, body, message_ids)]
        if chance.happens("wa.bad_signature", self._world.knobs.world.wa_bad_signature):
            made.append(self._forged(url, body, chance))
        return made

    def _spiced(self, body: Envelope, chance: Chance) -> object:
        knobs = self._world.knobs.world
        spiced: object = body
        if knobs.wa_mixed_batch:
            spiced = oddities.with_strangers(body, chance, self._world.clock.now())
        if chance.happens("wa.unknown_fields", knobs.wa_unknown_fields):
            spiced = oddities.with_unknown(spiced, chance)
        return spiced

    def _flat(self, url: str, updates: list[Update]) -> list[Callback]:
        made: list[Callback] = []
        flat_url = self._world.settings.flat_url_for(url)
        for update in updates:
            if update.status is None:  # the flat form knows statuses only
                made += self._graph(url, [update])
                continue
            moment = datetime.fromtimestamp(int(update.status.timestamp), UTC)
            body = as_sent(flat(update.status, moment.strftime("%Y-%m-%dT%H:%M:%SZ")))
            made.append(self._signed(flat_url, body, ids_of([update])))
        return made

    def _signed(self, url: str, body: bytes, message_ids: tuple[str, ...]) -> Callback:
        signature = sign(self._world.account.app_secret, body)
        return self._noted(url, body, signature, message_ids)

    def _forged(self, url: str, body: bytes, chance: Chance) -> Callback:
        lie = oddities.forged_body(body)
        true = sign(self._world.account.app_secret, lie)
        signature = oddities.forged_signature(chance, true, sign(_OTHER_SECRET, lie))
        return self._noted(url, lie, signature, (), "forged")

    def _noted(
        self,
        url: str,
        body: bytes,
        signature: str | None,
        message_ids: tuple[str, ...],
        kind: str = "updates",
    ) -> Callback:
        self._count += 1
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if signature is not None:
            headers[HEADER] = signature
        callback = Callback(
            url=url,
            body=body,
            headers=headers,
            message_ids=message_ids,
            created_at=self._world.clock.now(),
            kind=kind,
            state="forged" if kind == "forged" else "pending",
        )
        self._world.ledger.note_callback(callback)
        return callback
