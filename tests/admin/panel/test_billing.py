"""The panel's page of money, and what it says of money elsewhere."""

import io
from pathlib import Path

import pytest

from admin.operations.billing import load_rates
from models.billing.amount import MICRO
from models.billing.rate_cards import newest_card
from models.clock import utcnow
from models.tables.billing import Spending
from models.tables.user import Role
from tests.support.panel_app import Panel, said

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]

CARD = "country,category,amount,currency,valid_from\nES,marketing,0.05,EUR,2026-01-01\n*,utility,0.03,EUR,2026-01-01\n"


def loaded(panel: Panel, directory: Path) -> None:
    """The card, by the command's operation."""
    path = directory / "rates.csv"
    path.write_text(CARD)
    load_rates(panel.rt, path, "test")


def spend(panel: Panel, charged: int, reserved: int, unpriced: int = 0) -> None:
    """What campaign 1 took."""
    with panel.rt.database.write() as session:
        card = newest_card(session)
        session.merge(
            Spending(
                campaign_id=1, card_id=card.id if card else None, category="marketing", priced_at=utcnow(), billed=4,
                charged=charged * MICRO, reserved=reserved * MICRO, unpriced=unpriced,
            )
        )  # fmt: skip


def test_a_rate_card_is_uploaded_and_listed(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    assert "every price is unknown" in said(admin.get("/money/"))
    page = said(admin.post("/money/rates", file=(io.BytesIO(CARD.encode()), "../rates 2026.csv")))
    assert "2 prices in EUR are in force." in page
    assert "rates 2026.csv, loaded by admin@example.com" in page
    assert "ES marketing 0.05 2026-01-01 now" in page
    assert "all others utility 0.03" in page
    assert ("admin@example.com", "load") in panel.audited()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Rates.csv: it holds no price"),
        (b"country,category,amount,currency,valid_from\nES,marketing,x,EUR,2026-01-01\n", "Rates.csv: line 2: amount="),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"#" * 2_000_001, "2 MB"),
    ],
)
def test_a_bad_rate_card_is_refused_in_one_line(content: bytes, sentence: str, panel: Panel) -> None:
    page = panel.of(Role.ADMIN).refused("/money/rates", file=(io.BytesIO(content), "rates.csv"))
    assert sentence in said(page)
    assert "/tmp" not in page  # noqa: S108 - no path of this machine
    assert "every price is unknown" in page


def test_a_balance_is_set_shown_and_turned_off(panel: Panel, tmp_path: Path) -> None:
    loaded(panel, tmp_path)
    admin = panel.of(Role.ADMIN)
    assert "Off: nothing limits" in admin.get("/money/")
    assert "allowed is a number" in said(admin.refused("/money/set", amount="much", currency="EUR"))
    assert "nothing is converted" in said(admin.refused("/money/set", amount="500", currency="USD"))
    assert "500.00 EUR may be spent" in said(admin.post("/money/set", amount="500", currency="eur"))
    spend(panel, 12, 3)
    page = said(admin.get("/money/"))
    assert "12.00 spent 3.00 held back" in page
    assert "485.00 free" in page
    assert "3 % spent or held back" in page
    assert "The balance is off." in admin.post("/money/off")
    assert "No balance is set" in admin.post("/money/off")


@pytest.mark.parametrize(
    ("charged", "tone", "notice"), [(70, "", ""), (80, "warn", "80 %"), (92, "warn", "92 %"), (100, "bad", "100 %")]
)
def test_the_home_page_says_when_the_balance_runs_low(
    charged: int, tone: str, notice: str, panel: Panel, tmp_path: Path
) -> None:
    loaded(panel, tmp_path)
    admin = panel.of(Role.ADMIN)
    admin.post("/money/set", amount="100", currency="EUR")
    spend(panel, charged, 0)
    for path in ("/", "/money/"):
        page = admin.get(path)
        assert (f"{notice} of the balance of 100.00 EUR" in page) == bool(notice)
        assert not notice or f'class="notice {tone}"' in page


def test_a_campaign_shows_its_estimate_before_the_start(panel: Panel, tmp_path: Path) -> None:
    viewer = panel.of(Role.VIEWER)
    assert "Unknown: no rate card is loaded." in said(viewer.get("/campaigns/3/checks"))
    loaded(panel, tmp_path)
    page = said(viewer.get("/campaigns/3/checks"))
    assert "Low" in page
    assert "EUR Expected" in page
    assert "Expected assumes that 90 % are billed, low 70 %; high is everybody." in page
    assert "EUR Expected" in said(viewer.get("/campaigns/3/?check=1"))


def test_unknown_prices_are_said_to_be_unknown(panel: Panel, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(CARD.replace("ES,", "FR,"))
    load_rates(panel.rt, path, "test")
    page = said(panel.of(Role.VIEWER).get("/campaigns/3/checks"))
    assert "is unknown." in page
    assert "EUR Expected" not in page.split("Answers, probably")[0]


def test_a_campaign_that_was_started_shows_what_it_cost_so_far(panel: Panel, tmp_path: Path) -> None:
    loaded(panel, tmp_path)
    spend(panel, 2, 1, unpriced=1)
    viewer = panel.of(Role.VIEWER)
    assert "/campaigns/1/cost" in viewer.get("/campaigns/1/")
    page = said(viewer.get("/campaigns/1/cost"))
    assert "So far 2.00 EUR for 4 people Held back 1.00 EUR" in page
    assert "1 of them at an unknown price" in page
    assert "2.00 EUR" in said(viewer.get("/money/").partition("What campaigns took")[2])
    assert viewer.send("/money/set", amount="1", currency="EUR").status_code == 403
