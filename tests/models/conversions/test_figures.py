"""What the conversions of a campaign add up to."""

from sqlalchemy.orm import Session

from models.campaigns.export import COLUMNS, export_rows
from models.campaigns.stats import campaign_stats
from models.conversions.figures import CampaignConversions, MoneySum, conversions_of
from models.conversions.goals import CampaignGoal, goals_of, set_goals
from models.sending.cohorts import cohorts_of, make_cohorts
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.conversion import AttributionModel
from models.tables.goal import GoalEvent
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.contacts import make_contact, make_order
from tests.support.factories.conversions import WEEK, at, attributed, campaign_with_goals, reached, refund

DAY_WITHOUT_VALUE = CampaignGoal(GoalEvent.PURCHASE, 1, False)
TWO_DAYS = CampaignGoal(GoalEvent.PURCHASE, 2, True)
THREE_DAYS = 3 * 24 * 60


def figures(session: Session, campaign: Campaign) -> CampaignConversions:
    attributed(session)
    return conversions_of(session, [campaign.id])[campaign.id]


def test_people_are_counted_once_and_currencies_stay_apart(session: Session) -> None:
    campaign = campaign_with_goals(session)
    many, one, nobody = (make_contact(session) for _ in range(3))
    for person in (many, one, nobody):
        reached(session, campaign, person)
    for currency, total in (("EUR", 20.5), ("EUR", 10), ("USD", 7), ("KWD", 1.125)):
        make_order(session, many, placed_at=at(100), total=total, currency=currency)
    back = make_order(session, one, placed_at=at(100), total=30)
    refund(session, back, 30)
    found = figures(session, campaign)
    assert (found.whole.people, found.whole.orders) == (2, 5)
    assert found.whole.revenue == [MoneySum(30_500, "EUR"), MoneySum(1_125, "KWD"), MoneySum(7_000, "USD")]
    assert found.whole.refunds == [MoneySum(30_000, "EUR")]
    assert found.by_goal == [found.whole]
    stats = campaign_stats(session, campaign.id)
    assert (stats["converted"], stats["delivered"], stats["converted_pct"]) == (2, 3, 66.7)
    assert stats["revenue"] == [
        {"amount": "30.50", "currency": "EUR"},
        {"amount": "1.125", "currency": "KWD"},
        {"amount": "7.00", "currency": "USD"},
    ]
    assert [stats["languages"][0][name] for name in ("converted", "revenue")] == [2, stats["revenue"]]


def test_each_goal_counts_in_its_window_and_money_only_of_those_with_value(session: Session) -> None:
    campaign = campaign_with_goals(session, DAY_WITHOUT_VALUE, TWO_DAYS, CampaignGoal(GoalEvent.PURCHASE, 7, False))
    quick, slow = make_contact(session), make_contact(session)
    for person in (quick, slow):
        reached(session, campaign, person)
    make_order(session, quick, placed_at=at(100), total=5)
    make_order(session, slow, placed_at=at(THREE_DAYS), total=70)
    found = figures(session, campaign)
    assert [(goal.people, goal.revenue) for goal in found.by_goal] == [(1, []), (1, [MoneySum(5_000, "EUR")]), (2, [])]
    assert (found.whole.people, found.whole.revenue) == (2, [MoneySum(5_000, "EUR")])


def test_the_first_touch_stands_beside_the_last_one_and_an_order_counts_once_in_each(session: Session) -> None:
    former, latter = campaign_with_goals(session), campaign_with_goals(session)
    person = make_contact(session)
    reached(session, former, person, read=2)
    reached(session, latter, person, read=5)
    make_order(session, person, placed_at=at(100))
    attributed(session)
    ids = [former.id, latter.id]
    counted = {model: conversions_of(session, ids, model) for model in AttributionModel}
    people = {model: [found[key].whole.people for key in ids] for model, found in counted.items()}
    assert people == {AttributionModel.LAST_TOUCH: [0, 1], AttributionModel.FIRST_TOUCH: [1, 0]}


def test_a_campaign_without_goals_has_no_conversions(session: Session) -> None:
    campaign = make_campaign(session)
    assert conversions_of(session, [campaign.id]) == {}
    set_goals(session, campaign.id, [WEEK, TWO_DAYS])
    set_goals(session, campaign.id, [TWO_DAYS])
    assert goals_of(session, [campaign.id]) == {campaign.id: [TWO_DAYS]}
    set_goals(session, campaign.id, [])
    assert goals_of(session, [campaign.id]) == {}


def test_the_export_has_when_they_first_ordered_and_their_revenue(session: Session) -> None:
    campaign, person, other = campaign_with_goals(session), make_contact(session), make_contact(session)
    for somebody in (person, other):
        reached(session, campaign, somebody)
    make_order(session, person, placed_at=at(100), total=20)
    make_order(session, person, placed_at=at(50), total=1, currency="USD")
    attributed(session)
    rows = [dict(zip(COLUMNS, row.cells, strict=True)) for row in export_rows(session, campaign.id)]
    found = {row["phone"]: (row["converted_at"], row["revenue"]) for row in rows}
    money = '[{"amount": "20.00", "currency": "EUR"}, {"amount": "1.00", "currency": "USD"}]'
    assert found == {person.phone: ("2026-11-22T10:50:00Z", money), other.phone: (None, None)}


def test_the_people_of_each_language_have_their_own_conversions(session: Session) -> None:
    number = make_number(session)
    english, spanish = (make_template(session, number, name="spring", language=code) for code in ("en", "es"))
    campaign = campaign_with_goals(
        session, number=number, template=english, languages=["en", "es"], status=CampaignStatus.READY
    )
    make_cohorts(session, campaign, at(0))
    cohorts = {cohort.template_id: cohort.id for cohort in cohorts_of(session, campaign.id)}
    for template, total in ((english, 10), (spanish, 20), (spanish, 30)):
        person = make_contact(session)
        reached(session, campaign, person).cohort_id = cohorts[template.id]
        make_order(session, person, placed_at=at(100), total=total)
    attributed(session)
    languages = campaign_stats(session, campaign.id)["languages"]
    assert [(it["language"], it["converted"], it["revenue"][0]["amount"]) for it in languages] == [
        ("en", 1, "10.00"),
        ("es", 2, "50.00"),
    ]
