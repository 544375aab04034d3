"""Builds the panel: one Flask-Admin instance, one module per noun, own templates and one style sheet."""

from flask import Flask
from flask_admin.base import Admin
from flask_admin.theme import Bootstrap4Theme

from admin.auth import web_security
from admin.panel import confirm, errors, layout, passkeys, second_step, sign_in, single_sign_on
from admin.panel.account import AccountView
from admin.panel.audience.attributes import AttributeView
from admin.panel.audience.lists import ListView
from admin.panel.audience.segments import SegmentView
from admin.panel.audience.shop_customers import ShopCustomerView
from admin.panel.audience.tags import TagView
from admin.panel.billing import MoneyView
from admin.panel.campaigns.view import CampaignView
from admin.panel.catalog import CatalogView
from admin.panel.contacts.view import ContactView
from admin.panel.dead_letters import DeadLetterView
from admin.panel.flow_secrets import FlowSecretView
from admin.panel.flows import FlowView
from admin.panel.home import HomeView
from admin.panel.inbox.view import InboxView
from admin.panel.list_exports import ListExportView
from admin.panel.media import MediaView
from admin.panel.numbers import NumberView
from admin.panel.reasons.view import ReasonView
from admin.panel.restored import RestoredView
from admin.panel.second_factor import SecondFactorView
from admin.panel.signals.view import SignalView
from admin.panel.system import AuditView, SettingView, UserView
from admin.panel.template_pages.view import TemplateView
from jobs.core.runtime import Runtime


def init_app(app: Flask) -> None:
    """Serve the panel under /admin/. The application holds its runtime in `extensions["hark"]`."""
    rt: Runtime = app.extensions["hark"]
    web_security.init_app(app, rt)
    errors.init_app(app)
    layout.init_app(app)
    sign_in.init_app(app)
    for module in (second_step, passkeys, single_sign_on, confirm):
        module.init_app(app)
    panel = Admin(
        app,
        name="Hark",
        index_view=HomeView(name="Home", url="/admin"),
        theme=Bootstrap4Theme(base_template="panel/base.html"),
    )
    panel.add_views(
        CampaignView("Campaigns", endpoint="panel_campaigns", url="campaigns"),
        InboxView("Inbox", endpoint="panel_inbox", url="inbox"),
        ContactView("Contacts", "Audience", endpoint="panel_contacts", url="contacts"),
        TagView("Tags", "Audience", endpoint="panel_tags", url="tags"),
        AttributeView("Attributes", "Audience", endpoint="panel_attributes", url="attributes"),
        ListView("Lists", "Audience", endpoint="panel_lists", url="lists"),
        SegmentView("Segments", "Audience", endpoint="panel_segments", url="segments"),
        ShopCustomerView("Shop customers without a phone", "Audience", endpoint="panel_shop", url="shop-customers"),
        TemplateView("Templates", "Content", endpoint="panel_templates", url="templates"),
        MediaView("Media", "Content", endpoint="panel_media", url="media"),
        CatalogView("Products", "Content", endpoint="panel_catalog", url="catalog"),
        FlowView("Bot flows", "Content", endpoint="panel_flows", url="flows"),
        FlowSecretView("Flow secrets", "Content", endpoint="panel_flow_secrets", url="flow-secrets"),
        NumberView("Numbers", "House", endpoint="panel_numbers", url="numbers"),
        MoneyView("Money", "House", endpoint="panel_money", url="money"),
        ReasonView("Errors and reasons", "House", endpoint="panel_reasons", url="reasons"),
        SignalView("Signals", "House", endpoint="panel_signals", url="signals"),
        UserView("Users", "House", endpoint="panel_users", url="users"),
        AuditView("Audit", "House", endpoint="panel_audit", url="audit"),
        DeadLetterView("Dead letters", "House", endpoint="panel_dead_letters", url="dead-letters"),
        AccountView("Your account", endpoint="panel_account", url="account"),
        SecondFactorView("Second factor", endpoint="panel_second_factor", url="second-factor"),
        SettingView("Settings", "House", endpoint="panel_settings", url="settings"),
        ListExportView("Exports", endpoint="panel_exports", url="exports"),
        RestoredView("Put back from a copy", endpoint="panel_restored", url="restored"),
    )
