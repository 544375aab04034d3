"""An installation that asks a simulated shop: reads its customers, and tells it who opted out."""

import time
from datetime import timedelta

from sqlalchemy import select, update

from bot.shopify.access import StayingToken
from bot.shopify.client import ShopClient
from jobs.core.runtime import Runtime
from jobs.shop import customers, daily_look, opt_outs
from models.clock import utcnow
from models.contacts.consent import opt_out
from models.tables.contact import Contact
from models.tables.shop import ShopCustomerRead, ShopLook, ShopOptOut
from tests.support.factories.contacts import ALICE_PHONE, alice
from tests.support.shop_rig import AT, SHOP, Shop
from tests.support.shop_server import TOKEN, VERSION, SimulatedShop

ID = "706405506930370084"
STOP_AT = AT + timedelta(hours=1)


class Rig:
    """An installation that may ask a shop."""

    def __init__(self, shop: Shop, server: SimulatedShop) -> None:
        self.shop = shop
        self.server = server
        self.rt: Runtime = shop.rt

    def client(self, token: str = TOKEN) -> ShopClient:
        return ShopClient(
            SHOP,
            VERSION,
            StayingToken(token),
            base_url=self.server.url,
            sleep=self.server.sleep,
            clock=self.server.clock,
        )

    def reads(self) -> int:
        with self.client() as client:
            return customers.read_requested(self.rt, client, time.monotonic() + 30)

    def writes(self) -> int:
        opt_outs.collect_opt_outs(self.rt)
        with self.client() as client:
            return opt_outs.write_due_opt_outs(self.rt, client, time.monotonic() + 30)

    def looks(self) -> int:
        with self.client() as client:
            return daily_look.continue_look(self.rt, client, time.monotonic() + 30)

    def person(self, phone: str = ALICE_PHONE) -> Contact:
        with self.rt.database.read() as session:
            return session.scalars(select(Contact).where(Contact.phone == phone)).one()

    def stops(self, *, hours: float = 1, shopify_id: str | None = ID) -> int:
        """alice is a customer, and says STOP."""
        with self.rt.database.write() as session:
            person_id = alice(session, shopify_id=shopify_id, consent_at=AT).id
            opt_out(session, person_id, AT + timedelta(hours=hours), "whatsapp stop word")
        return person_id

    def opt_outs(self) -> dict[str, str]:
        with self.rt.database.read() as session:
            return {row.customer_id: row.state.value for row in session.scalars(select(ShopOptOut))}

    def problem(self) -> str:
        with self.rt.database.read() as session:
            return session.scalars(select(ShopOptOut.detail)).one()

    def comes_due(self) -> None:
        """Whatever waits has waited long enough."""
        with self.rt.database.write() as session:
            for table in (ShopOptOut, ShopCustomerRead, ShopLook):
                session.execute(update(table).values(next_try_at=utcnow() - timedelta(seconds=1)))

    def waiting_reads(self) -> list[str]:
        with self.rt.database.read() as session:
            return list(session.scalars(select(ShopCustomerRead.customer_id)))

    def look(self) -> ShopLook:
        with self.rt.database.read() as session:
            return session.get_one(ShopLook, SHOP)
