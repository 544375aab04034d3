"""Finds the account whose templates are meant, and Meta's client for it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.template_admin import TemplateAdmin
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.number import Number, Waba
from models.tables.template import Template
from models.templates.drafts import find_template


@dataclass(frozen=True, slots=True)
class Account:
    """An account of ours at Meta: its row's id, Meta's id, and the encrypted token of its first number."""

    pk: int
    waba_id: str
    token: str


def account_of(session: Session, number_id: int | None = None) -> Account:
    """The account of a number, or the only one. Raises OperatorError if there is none, or several and no number is named."""
    query = select(Number).order_by(Number.id)
    if number_id is not None:
        query = query.where(Number.id == number_id)
    numbers = list(session.scalars(query))
    if not numbers:
        if number_id is not None:
            raise OperatorError("number {number_id}: there is no such number", number_id=number_id)
        raise OperatorError("there is no number yet: add one with flask numbers add")
    if len({number.waba_id for number in numbers}) > 1:
        raise OperatorError(
            "there are several accounts; name one of its numbers: {numbers}",
            numbers=", ".join(f"{number.id} ({number.name})" for number in numbers),
        )
    return _account(session, numbers[0])


def account_by_pk(session: Session, waba_pk: int) -> Account:
    """The account with this row id. Raises OperatorError if it has no number, whose token Meta would be asked with."""
    number = session.scalars(select(Number).where(Number.waba_id == waba_pk).order_by(Number.id)).first()
    if number is None:
        raise OperatorError("the account of this template has no number any more: add one with flask numbers add")
    return _account(session, number)


def _account(session: Session, number: Number) -> Account:
    return Account(number.waba_id, session.get_one(Waba, number.waba_id).waba_id, number.access_token)


def stored_template(session: Session, waba_pk: int, name: str, language: str) -> Template:
    """A template's row. Raises OperatorError if there is none, or Meta no longer has it."""
    template = find_template(session, waba_pk, name, language)
    if template is None or template.missing_at is not None:
        there = select(Template.language).where(
            Template.waba_id == waba_pk, Template.name == name, Template.missing_at.is_(None)
        )
        languages = ", ".join(session.scalars(there.order_by(Template.language)))
        raise OperatorError(
            "template {name} ({language}): there is no such template; {hint}",
            name=name,
            language=language,
            hint=f"it is there in {languages}" if languages else "see flask templates list",
        )
    return template


def template_admin(rt: Runtime, account: Account) -> TemplateAdmin:
    """Meta's client for an account. Raises WrongKeyError if the token was encrypted with another key."""
    secrets = rt.settings.meta_app_secrets
    return TemplateAdmin(
        rt.settings.graph_api_url,
        rt.settings.graph_api_version,
        rt.vault.decrypt(account.token),
        app_secret=secrets[0] if secrets else None,
    )


def app_id_of(rt: Runtime, graph: TemplateAdmin, account: Account) -> str:
    """The id of our app at Meta: the setting, else the only app that the account sends its webhooks to."""
    if rt.settings.meta_app_id:
        return rt.settings.meta_app_id
    data = [app.get("whatsapp_business_api_data") for app in graph.subscribed_apps(account.waba_id)]
    ids = [str(app["id"]) for app in data if isinstance(app, dict) and app.get("id")]
    if len(ids) != 1:
        raise OperatorError("a file is uploaded for an app: set META_APP_ID to the id of your app at Meta")
    return ids[0]
