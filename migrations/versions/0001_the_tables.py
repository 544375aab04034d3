"""The tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('api_token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('role', sa.Enum('viewer', 'agent', 'manager', 'admin', name='role', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_token')),
    sa.UniqueConstraint('name', name=op.f('uq_api_token_name')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_api_token_token_hash'))
    )
    op.create_table('attribute',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('type', sa.Enum('text', 'number', 'date', 'boolean', name='type', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('default', sa.String(length=500), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attribute')),
    sa.UniqueConstraint('name', name=op.f('uq_attribute_name'))
    )
    op.create_table('audit',
    sa.Column('id', big, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(length=254), nullable=False),
    sa.Column('action', sa.String(length=100), nullable=False),
    sa.Column('object_type', sa.String(length=50), nullable=False),
    sa.Column('object_id', sa.String(length=64), nullable=False),
    sa.Column('detail', json, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit'))
    )
    op.create_index(op.f('ix_audit_at'), 'audit', ['at'], unique=False)
    op.create_index('ix_audit_object', 'audit', ['object_type', 'object_id', 'at'], unique=False)

    op.create_table('budget',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('charged_before', sa.BigInteger(), nullable=False),
    sa.Column('warned_pct', sa.Integer(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(length=254), nullable=False),
    sa.CheckConstraint('amount >= 0', name=op.f('ck_budget_amount')),
    sa.CheckConstraint('id = 1', name=op.f('ck_budget_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_budget'))
    )
    op.create_table('contact',
    sa.Column('id', big, nullable=False),
    sa.Column('phone', sa.String(length=20), nullable=True),
    sa.Column('raw_phone', sa.String(length=64), nullable=True),
    sa.Column('phone_problem', sa.Enum('invalid_phone', 'missing_calling_code', name='phone_problem', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('wa_id', sa.String(length=32), nullable=True),
    sa.Column('has_identity', sa.Boolean(), nullable=False),
    sa.Column('person_key', sa.String(length=200), nullable=False),
    sa.Column('name', sa.String(length=300), nullable=False),
    sa.Column('first_name', sa.String(length=150), nullable=True),
    sa.Column('last_name', sa.String(length=150), nullable=True),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('username', sa.String(length=100), nullable=True),
    sa.Column('language', sa.String(length=16), nullable=True),
    sa.Column('country', sa.String(length=2), nullable=True),
    sa.Column('time_zone', sa.String(length=64), nullable=True),
    sa.Column('consent', sa.Enum('subscribed', 'pending', 'not_subscribed', 'unsubscribed', 'unknown', 'invalid', 'redacted', name='consent', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('consent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('marketing_stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('marketing_preference_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undeliverable_count', sa.Integer(), nullable=False),
    sa.Column('last_inbound_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attributes', json, nullable=False),
    sa.Column('shopify_id', sa.String(length=64), nullable=True),
    sa.Column('shopify_changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('redacted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('merged_into_id', sa.BigInteger(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(consent = 'redacted') = (redacted_at IS NOT NULL)", name=op.f('ck_contact_redacted')),
    sa.CheckConstraint("phone IS NULL OR phone LIKE '+%'", name=op.f('ck_contact_phone_is_e164')),
    sa.CheckConstraint('phone IS NOT NULL OR wa_id IS NOT NULL OR raw_phone IS NOT NULL OR has_identity OR redacted_at IS NOT NULL OR merged_into_id IS NOT NULL', name=op.f('ck_contact_identity')),
    sa.ForeignKeyConstraint(['merged_into_id'], ['contact.id'], name=op.f('fk_contact_merged_into_id_contact')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact')),
    sa.UniqueConstraint('phone', name=op.f('uq_contact_phone')),
    sa.UniqueConstraint('raw_phone', name=op.f('uq_contact_raw_phone')),
    sa.UniqueConstraint('shopify_id', name=op.f('uq_contact_shopify_id')),
    sa.UniqueConstraint('wa_id', name=op.f('uq_contact_wa_id'))
    )
    op.create_index('ix_contact_consent', 'contact', ['consent', 'id'], unique=False)
    op.create_index(op.f('ix_contact_last_inbound_at'), 'contact', ['last_inbound_at'], unique=False)
    op.create_index(op.f('ix_contact_merged_into_id'), 'contact', ['merged_into_id'], unique=False)
    op.create_index(op.f('ix_contact_person_key'), 'contact', ['person_key'], unique=False)

    op.create_table('dead_letter',
    sa.Column('id', big, nullable=False),
    sa.Column('checksum', sa.String(length=64), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('replayed_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dead_letter')),
    sa.UniqueConstraint('checksum', name=op.f('uq_dead_letter_checksum'))
    )
    op.create_index(op.f('ix_dead_letter_last_at'), 'dead_letter', ['last_at'], unique=False)

    op.create_table('flow',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('is_fallback', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow')),
    sa.UniqueConstraint('name', name=op.f('uq_flow_name'))
    )
    op.create_table('list',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list')),
    sa.UniqueConstraint('name', name=op.f('uq_list_name'))
    )
    op.create_table('parked_status',
    sa.Column('id', big, nullable=False),
    sa.Column('wamid', sa.String(length=300), nullable=False),
    sa.Column('callback_data', sa.String(length=512), nullable=True),
    sa.Column('status', json, nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parked_status'))
    )
    op.create_index(op.f('ix_parked_status_expires_at'), 'parked_status', ['expires_at'], unique=False)
    op.create_index(op.f('ix_parked_status_wamid'), 'parked_status', ['wamid'], unique=False)

    op.create_table('portfolio',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('meta_id', sa.String(length=64), nullable=True),
    sa.Column('messaging_limit', sa.Integer(), nullable=True),
    sa.Column('limit_read_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_portfolio')),
    sa.UniqueConstraint('meta_id', name=op.f('uq_portfolio_meta_id'))
    )
    op.create_table('purged_wamid',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_purged_wamid'))
    )
    op.create_index(op.f('ix_purged_wamid_expires_at'), 'purged_wamid', ['expires_at'], unique=False)

    op.create_table('rate_card',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('source', sa.String(length=300), nullable=False),
    sa.Column('loaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('loaded_by', sa.String(length=254), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rate_card'))
    )
    op.create_table('segment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('rule', json, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_segment')),
    sa.UniqueConstraint('name', name=op.f('uq_segment_name'))
    )
    op.create_table('setting',
    sa.Column('key', sa.String(length=100), nullable=False),
    sa.Column('value', json, nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_setting'))
    )
    op.create_table('suppression',
    sa.Column('id', big, nullable=False),
    sa.Column('person_hash', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suppression')),
    sa.UniqueConstraint('person_hash', name=op.f('uq_suppression_person_hash'))
    )
    op.create_table('tag',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tag')),
    sa.UniqueConstraint('name', name=op.f('uq_tag_name'))
    )
    op.create_table('user',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('role', sa.Enum('viewer', 'agent', 'manager', 'admin', name='role', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('must_change_password', sa.Boolean(), nullable=False),
    sa.Column('session_key', sa.String(length=64), nullable=False),
    sa.Column('phone', sa.String(length=20), nullable=True),
    sa.Column('phone_verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_sign_ins', sa.Integer(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_sign_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user')),
    sa.UniqueConstraint('email', name=op.f('uq_user_email')),
    sa.UniqueConstraint('phone', name=op.f('uq_user_phone')),
    sa.UniqueConstraint('session_key', name=op.f('uq_user_session_key'))
    )
    op.create_table('consent_event',
    sa.Column('id', big, nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('before', sa.Enum('subscribed', 'pending', 'not_subscribed', 'unsubscribed', 'unknown', 'invalid', 'redacted', name='before', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('after', sa.Enum('subscribed', 'pending', 'not_subscribed', 'unsubscribed', 'unknown', 'invalid', 'redacted', name='after', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('proof', sa.Text(), nullable=True),
    sa.Column('actor', sa.String(length=254), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_consent_event_contact_id_contact')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_event'))
    )
    op.create_index(op.f('ix_consent_event_contact_id'), 'consent_event', ['contact_id'], unique=False)

    op.create_table('contact_identity',
    sa.Column('id', big, nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('portfolio_id', sa.Integer(), nullable=False),
    sa.Column('bsuid', sa.String(length=200), nullable=False),
    sa.Column('parent_bsuid', sa.String(length=200), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_contact_identity_contact_id_contact'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['portfolio_id'], ['portfolio.id'], name=op.f('fk_contact_identity_portfolio_id_portfolio')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_identity'))
    )
    op.create_index(op.f('ix_contact_identity_contact_id'), 'contact_identity', ['contact_id'], unique=False)
    op.create_index('uq_contact_identity_bsuid', 'contact_identity', ['portfolio_id', 'bsuid'], unique=True)

    op.create_table('contact_order',
    sa.Column('id', big, nullable=False),
    sa.Column('shop', sa.String(length=100), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('number', sa.String(length=100), nullable=False),
    sa.Column('total_milli', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('items', json, nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('total_milli >= 0', name=op.f('ck_contact_order_total')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_contact_order_contact_id_contact')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_order'))
    )
    op.create_index('ix_contact_order_placed', 'contact_order', ['contact_id', 'placed_at', 'cancelled_at', 'total_milli', 'currency'], unique=False)
    op.create_index('uq_contact_order_external', 'contact_order', ['shop', 'external_id'], unique=True)

    op.create_table('contact_tag',
    sa.Column('contact_id', big, nullable=False),
    sa.Column('tag_id', sa.Integer(), nullable=False),
    sa.Column('value', sa.String(length=500), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_contact_tag_contact_id_contact'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tag_id'], ['tag.id'], name=op.f('fk_contact_tag_tag_id_tag')),
    sa.PrimaryKeyConstraint('contact_id', 'tag_id', name=op.f('pk_contact_tag'))
    )
    op.create_index('ix_contact_tag_tag_value', 'contact_tag', ['tag_id', 'value', 'contact_id'], unique=False)

    op.create_table('flow_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('flow_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('definition', json, nullable=False),
    sa.Column('checksum', sa.String(length=64), nullable=False),
    sa.Column('created_by', sa.String(length=254), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['flow_id'], ['flow.id'], name=op.f('fk_flow_version_flow_id_flow')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_version'))
    )
    op.create_index('uq_flow_version_number', 'flow_version', ['flow_id', 'version'], unique=True)

    op.create_table('list_member',
    sa.Column('list_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_list_member_contact_id_contact'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['list_id'], ['list.id'], name=op.f('fk_list_member_list_id_list'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('list_id', 'contact_id', name=op.f('pk_list_member'))
    )
    op.create_index(op.f('ix_list_member_contact_id'), 'list_member', ['contact_id'], unique=False)

    op.create_table('portfolio_ledger',
    sa.Column('portfolio_id', sa.Integer(), nullable=False),
    sa.Column('person_key', sa.String(length=200), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['portfolio_id'], ['portfolio.id'], name=op.f('fk_portfolio_ledger_portfolio_id_portfolio')),
    sa.PrimaryKeyConstraint('portfolio_id', 'person_key', name=op.f('pk_portfolio_ledger'))
    )
    op.create_index('ix_portfolio_ledger_age', 'portfolio_ledger', ['portfolio_id', 'first_at'], unique=False)

    op.create_table('rate',
    sa.Column('card_id', sa.Integer(), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount >= 0', name=op.f('ck_rate_amount')),
    sa.ForeignKeyConstraint(['card_id'], ['rate_card.id'], name=op.f('fk_rate_card_id_rate_card'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('card_id', 'country', 'category', 'valid_from', name=op.f('pk_rate'))
    )
    op.create_table('waba',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('portfolio_id', sa.Integer(), nullable=False),
    sa.Column('waba_id', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('ok', 'restricted', 'disabled', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state_reason', sa.Text(), nullable=True),
    sa.Column('state_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('subscribed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('templates_synced_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['portfolio_id'], ['portfolio.id'], name=op.f('fk_waba_portfolio_id_portfolio')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_waba')),
    sa.UniqueConstraint('waba_id', name=op.f('uq_waba_waba_id'))
    )
    op.create_index(op.f('ix_waba_portfolio_id'), 'waba', ['portfolio_id'], unique=False)

    op.create_table('bought',
    sa.Column('order_id', big, autoincrement=False, nullable=False),
    sa.Column('kind', sa.Enum('collection', 'brand', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['contact_order.id'], name=op.f('fk_bought_order_id_contact_order'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('order_id', 'kind', 'name', name=op.f('pk_bought'))
    )
    op.create_table('number',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('waba_id', sa.Integer(), nullable=False),
    sa.Column('phone_number_id', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('display_phone', sa.String(length=32), nullable=True),
    sa.Column('verified_name', sa.String(length=200), nullable=True),
    sa.Column('access_token', sa.Text(), nullable=False),
    sa.Column('status', sa.String(length=32), nullable=False),
    sa.Column('quality', sa.String(length=16), nullable=False),
    sa.Column('throughput', sa.String(length=32), nullable=True),
    sa.Column('messages_per_second', sa.Integer(), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stopped_reason', sa.Text(), nullable=True),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('name_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('throughput_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['waba_id'], ['waba.id'], name=op.f('fk_number_waba_id_waba')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_number')),
    sa.UniqueConstraint('phone_number_id', name=op.f('uq_number_phone_number_id'))
    )
    op.create_index(op.f('ix_number_waba_id'), 'number', ['waba_id'], unique=False)

    op.create_table('template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('waba_id', sa.Integer(), nullable=False),
    sa.Column('meta_id', sa.String(length=64), nullable=True),
    sa.Column('name', sa.String(length=512), nullable=False),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('category', sa.String(length=32), nullable=False),
    sa.Column('correct_category', sa.String(length=32), nullable=True),
    sa.Column('category_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', sa.String(length=32), nullable=False),
    sa.Column('status_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('quality', sa.String(length=16), nullable=False),
    sa.Column('quality_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('parameter_format', sa.String(length=16), nullable=False),
    sa.Column('components', json, nullable=False),
    sa.Column('rejected_reason', sa.Text(), nullable=True),
    sa.Column('stale_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('synced_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['waba_id'], ['waba.id'], name=op.f('fk_template_waba_id_waba')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_template'))
    )
    op.create_index(op.f('ix_template_meta_id'), 'template', ['meta_id'], unique=False)
    op.create_index('uq_template_name_language', 'template', ['waba_id', 'name', 'language'], unique=True)

    op.create_table('campaign',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.Enum('real', 'test', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('status', sa.Enum('draft', 'ready', 'scheduled', 'active', 'paused', 'ended', name='status', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('outcome', sa.Enum('preparing', 'sending', 'sent', 'partially_sent', 'failed', name='outcome', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('tests_id', sa.Integer(), nullable=True),
    sa.Column('number_id', sa.Integer(), nullable=True),
    sa.Column('template_id', sa.Integer(), nullable=True),
    sa.Column('flow_id', sa.Integer(), nullable=True),
    sa.Column('audience', json, nullable=False),
    sa.Column('variables', json, nullable=False),
    sa.Column('media', json, nullable=False),
    sa.Column('pace_per_second', sa.Double(), nullable=True),
    sa.Column('pace_per_hour', sa.Double(), nullable=True),
    sa.Column('ends_after_seconds', sa.Integer(), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('pause_reason', sa.Enum('operator', 'template_paused', 'template_disabled', 'template_changed', 'token_refused', 'number_restricted', 'payment', 'limit_reached', 'failure_rate', 'budget', 'ingest_lag', name='pause_reason', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('pause_detail', sa.Text(), nullable=True),
    sa.Column('resumes_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('scheduled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paused_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('launch_cursor', big, nullable=False),
    sa.Column('launch_until', big, nullable=True),
    sa.Column('launch_token', sa.String(length=64), nullable=True),
    sa.Column('launched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.String(length=254), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(status = 'paused') = (pause_reason IS NOT NULL)", name=op.f('ck_campaign_pause_has_a_reason')),
    sa.CheckConstraint("status <> 'scheduled' OR scheduled_at IS NOT NULL", name=op.f('ck_campaign_schedule_has_a_time')),
    sa.CheckConstraint("status IN ('draft') OR (number_id IS NOT NULL AND template_id IS NOT NULL) OR deleted_at IS NOT NULL", name=op.f('ck_campaign_complete_when_ready')),
    sa.CheckConstraint('pace_per_hour > 0', name=op.f('ck_campaign_pace_per_hour')),
    sa.CheckConstraint('pace_per_second > 0 AND pace_per_second <= 1000', name=op.f('ck_campaign_pace_per_second')),
    sa.CheckConstraint('pace_per_second IS NULL OR pace_per_hour IS NULL', name=op.f('ck_campaign_one_pace')),
    sa.ForeignKeyConstraint(['flow_id'], ['flow.id'], name=op.f('fk_campaign_flow_id_flow')),
    sa.ForeignKeyConstraint(['number_id'], ['number.id'], name=op.f('fk_campaign_number_id_number')),
    sa.ForeignKeyConstraint(['template_id'], ['template.id'], name=op.f('fk_campaign_template_id_template')),
    sa.ForeignKeyConstraint(['tests_id'], ['campaign.id'], name=op.f('fk_campaign_tests_id_campaign')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaign'))
    )
    op.create_index('ix_campaign_status_number', 'campaign', ['status', 'number_id'], unique=False)
    op.create_index(op.f('ix_campaign_tests_id'), 'campaign', ['tests_id'], unique=False)

    op.create_table('case',
    sa.Column('id', big, nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('number_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('waiting', 'attending', 'idle', 'resolved', name='status', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('opened_by', sa.String(length=254), nullable=False),
    sa.Column('agent', sa.String(length=254), nullable=True),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', sa.String(length=254), nullable=True),
    sa.CheckConstraint("(status = 'resolved') = (closed_at IS NOT NULL)", name=op.f('ck_case_closed_when_resolved')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_case_contact_id_contact')),
    sa.ForeignKeyConstraint(['number_id'], ['number.id'], name=op.f('fk_case_number_id_number')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case'))
    )
    op.create_index(op.f('ix_case_contact_id'), 'case', ['contact_id'], unique=False)
    op.create_index('uq_case_open', 'case', ['contact_id'], unique=True, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))

    op.create_table('conversation',
    sa.Column('id', big, nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('number_id', sa.Integer(), nullable=False),
    sa.Column('last_inbound_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_message_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answering_by', sa.String(length=64), nullable=True),
    sa.Column('answering_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('handed_flow_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_conversation_contact_id_contact')),
    sa.ForeignKeyConstraint(['handed_flow_id'], ['flow.id'], name=op.f('fk_conversation_handed_flow_id_flow')),
    sa.ForeignKeyConstraint(['number_id'], ['number.id'], name=op.f('fk_conversation_number_id_number')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversation'))
    )
    op.create_index('ix_conversation_handed', 'conversation', ['handed_flow_id'], unique=False, sqlite_where=sa.text('handed_flow_id IS NOT NULL'), postgresql_where=sa.text('handed_flow_id IS NOT NULL'))
    op.create_index(op.f('ix_conversation_last_message_at'), 'conversation', ['last_message_at'], unique=False)
    op.create_index(op.f('ix_conversation_number_id'), 'conversation', ['number_id'], unique=False)
    op.create_index('uq_conversation_pair', 'conversation', ['contact_id', 'number_id'], unique=True)

    op.create_table('lane',
    sa.Column('id', big, nullable=False),
    sa.Column('number_id', sa.Integer(), nullable=True),
    sa.Column('host', sa.String(length=255), nullable=False),
    sa.Column('pid', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('beat_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('swept_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['number_id'], ['number.id'], name=op.f('fk_lane_number_id_number')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lane'))
    )
    op.create_index('ix_lane_open', 'lane', ['expires_at'], unique=False)

    op.create_table('media_handle',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number_id', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('media_id', sa.String(length=128), nullable=True),
    sa.Column('mime_type', sa.String(length=100), nullable=False),
    sa.Column('file_name', sa.String(length=255), nullable=False),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['number_id'], ['number.id'], name=op.f('fk_media_handle_number_id_number')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_media_handle'))
    )
    op.create_index('uq_media_handle_file', 'media_handle', ['number_id', 'sha256'], unique=True)

    op.create_table('engagement',
    sa.Column('person_key', sa.String(length=200), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_engagement_campaign_id_campaign')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_engagement_contact_id_contact')),
    sa.PrimaryKeyConstraint('person_key', name=op.f('pk_engagement'))
    )
    op.create_index(op.f('ix_engagement_campaign_id'), 'engagement', ['campaign_id'], unique=False)
    op.create_index(op.f('ix_engagement_contact_id'), 'engagement', ['contact_id'], unique=False)

    op.create_table('recipient',
    sa.Column('id', big, nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('person_key', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('queued', 'sending', 'unsure', 'held', 'accepted', 'refused', 'not_sent', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.Enum('excluded', 'duplicate', 'no_tags', 'invalid_phone', 'missing_calling_code', 'not_on_whatsapp', 'not_subscribed', 'marketing_stopped', 'open_case', 'engaged', 'missing_variable', 'frequency_cap', 'bad_value', 'expired', 'operator', 'campaign_ended', name='reason', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('detail', sa.Text(), nullable=True),
    sa.Column('source_values', json, nullable=True),
    sa.Column('attempts', sa.SmallInteger(), server_default='0', nullable=False),
    sa.Column('failures', sa.SmallInteger(), server_default='0', nullable=False),
    sa.Column('lane_id', big, nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('wamid', sa.String(length=300), nullable=True),
    sa.Column('error_code', sa.Integer(), nullable=True),
    sa.Column('error_msg', sa.Text(), nullable=True),
    sa.Column('price_area', sa.String(length=8), nullable=True),
    sa.Column('pricing_category', sa.String(length=40), nullable=True),
    sa.Column('pricing_type', sa.String(length=40), nullable=True),
    sa.Column('is_billable', sa.Boolean(), nullable=True),
    sa.Column('queued_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('unsure_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('replied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', sa.String(length=12), sa.Computed("CASE WHEN state = 'refused' THEN 'failed' WHEN state NOT IN ('accepted', 'held') THEN state WHEN read_at IS NOT NULL THEN 'read' WHEN delivered_at IS NOT NULL THEN 'delivered' WHEN failed_at IS NOT NULL THEN 'failed' WHEN state = 'held' AND sent_at IS NULL THEN 'held' ELSE 'sent' END", persisted=True), nullable=False),
    sa.Column('is_replied', sa.Boolean(), sa.Computed('replied_at IS NOT NULL', persisted=True), nullable=False),
    sa.CheckConstraint("(state = 'not_sent') = (reason IS NOT NULL)", name=op.f('ck_recipient_left_out_has_a_reason')),
    sa.CheckConstraint("state <> 'sending' OR lane_id IS NOT NULL", name=op.f('ck_recipient_sending_has_a_lane')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_recipient_campaign_id_campaign')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_recipient_contact_id_contact')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recipient')),
    postgresql_with={'fillfactor': 70, 'autovacuum_vacuum_scale_factor': 0.02, 'autovacuum_analyze_scale_factor': 0.02},
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_recipient_contact_id'), 'recipient', ['contact_id'], unique=False)
    op.create_index('ix_recipient_counts', 'recipient', ['campaign_id', 'state', 'status', 'reason', 'is_replied'], unique=False)
    op.create_index('ix_recipient_lane', 'recipient', ['lane_id'], unique=False, sqlite_where=sa.text("state = 'sending'"), postgresql_where=sa.text("state = 'sending'"))
    op.create_index('ix_recipient_queue', 'recipient', ['campaign_id', 'due_at', 'id'], unique=False, sqlite_where=sa.text("state = 'queued'"), postgresql_where=sa.text("state = 'queued'"))
    op.create_index('ix_recipient_wamid', 'recipient', ['wamid'], unique=False, sqlite_where=sa.text('wamid IS NOT NULL'), postgresql_where=sa.text('wamid IS NOT NULL'))
    op.create_index('uq_recipient_person', 'recipient', ['campaign_id', 'person_key'], unique=True)

    op.create_table('spending',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('card_id', sa.Integer(), nullable=True),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('priced_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reserved', sa.BigInteger(), nullable=False),
    sa.Column('leaving', sa.BigInteger(), nullable=False),
    sa.Column('charged', sa.BigInteger(), nullable=False),
    sa.Column('frozen', sa.BigInteger(), nullable=False),
    sa.Column('eligible', big, nullable=False),
    sa.Column('billed', big, nullable=False),
    sa.Column('unpriced', big, nullable=False),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_spending_campaign_id_campaign')),
    sa.ForeignKeyConstraint(['card_id'], ['rate_card.id'], name=op.f('fk_spending_card_id_rate_card')),
    sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_spending'))
    )
    op.create_table('flow_session',
    sa.Column('id', big, nullable=False),
    sa.Column('contact_id', big, nullable=False),
    sa.Column('number_id', sa.Integer(), nullable=False),
    sa.Column('flow_version_id', sa.Integer(), nullable=False),
    sa.Column('recipient_id', big, nullable=True),
    sa.Column('status', sa.Enum('active', 'ended', name='status', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state', json, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('ended_reason', sa.String(length=100), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_flow_session_contact_id_contact')),
    sa.ForeignKeyConstraint(['flow_version_id'], ['flow_version.id'], name=op.f('fk_flow_session_flow_version_id_flow_version')),
    sa.ForeignKeyConstraint(['number_id'], ['number.id'], name=op.f('fk_flow_session_number_id_number')),
    sa.ForeignKeyConstraint(['recipient_id'], ['recipient.id'], name=op.f('fk_flow_session_recipient_id_recipient')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_session'))
    )
    op.create_index(op.f('ix_flow_session_contact_id'), 'flow_session', ['contact_id'], unique=False)
    op.create_index(op.f('ix_flow_session_recipient_id'), 'flow_session', ['recipient_id'], unique=False)
    op.create_index('uq_flow_session_live', 'flow_session', ['contact_id', 'number_id'], unique=True, sqlite_where=sa.text("status = 'active'"), postgresql_where=sa.text("status = 'active'"))

    op.create_table('funnel_step',
    sa.Column('id', big, nullable=False),
    sa.Column('recipient_id', big, nullable=False),
    sa.Column('step', sa.String(length=100), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['recipient_id'], ['recipient.id'], name=op.f('fk_funnel_step_recipient_id_recipient')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_funnel_step'))
    )
    op.create_index('uq_funnel_step_first', 'funnel_step', ['recipient_id', 'step'], unique=True)

    op.create_table('message',
    sa.Column('id', big, nullable=False),
    sa.Column('conversation_id', big, nullable=False),
    sa.Column('direction', sa.Enum('in', 'out', name='direction', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state', sa.Enum('received', 'queued', 'sending', 'unsure', 'accepted', 'refused', 'not_sent', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('type', sa.String(length=32), nullable=False),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('payload', json, nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('wamid', sa.String(length=300), nullable=True),
    sa.Column('context_wamid', sa.String(length=300), nullable=True),
    sa.Column('button_payload', sa.String(length=300), nullable=True),
    sa.Column('recipient_id', big, nullable=True),
    sa.Column('session_id', big, nullable=True),
    sa.Column('author', sa.String(length=254), nullable=True),
    sa.Column('route', sa.String(length=40), nullable=True),
    sa.Column('route_reason', sa.Text(), nullable=True),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.SmallInteger(), server_default='0', nullable=False),
    sa.Column('lane_id', big, nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_code', sa.Integer(), nullable=True),
    sa.Column('error_msg', sa.Text(), nullable=True),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('unsure_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(direction = 'in') = (state = 'received')", name=op.f('ck_message_inbound_is_received')),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_message_conversation_id_conversation')),
    sa.ForeignKeyConstraint(['recipient_id'], ['recipient.id'], name=op.f('fk_message_recipient_id_recipient')),
    sa.ForeignKeyConstraint(['session_id'], ['flow_session.id'], name=op.f('fk_message_session_id_flow_session')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_message_chat', 'message', ['conversation_id', 'at', 'id'], unique=False)
    op.create_index('ix_message_lane', 'message', ['lane_id'], unique=False, sqlite_where=sa.text("state = 'sending'"), postgresql_where=sa.text("state = 'sending'"))
    op.create_index('ix_message_queue', 'message', ['conversation_id', 'due_at', 'id'], unique=False, sqlite_where=sa.text("state IN ('queued', 'sending')"), postgresql_where=sa.text("state IN ('queued', 'sending')"))
    op.create_index(op.f('ix_message_recipient_id'), 'message', ['recipient_id'], unique=False)
    op.create_index('ix_message_session', 'message', ['session_id'], unique=False, sqlite_where=sa.text('session_id IS NOT NULL'), postgresql_where=sa.text('session_id IS NOT NULL'))
    op.create_index('ix_message_unhandled', 'message', ['conversation_id', 'at', 'id'], unique=False, sqlite_where=sa.text("direction = 'in' AND handled_at IS NULL"), postgresql_where=sa.text("direction = 'in' AND handled_at IS NULL"))
    op.create_index('uq_message_wamid', 'message', ['wamid'], unique=True)

    op.create_table('action',
    sa.Column('id', big, nullable=False),
    sa.Column('session_id', big, nullable=False),
    sa.Column('kind', sa.Enum('timer', 'http', 'external', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state', sa.Enum('pending', 'claimed', 'done', 'failed', 'cancelled', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('payload', json, nullable=False),
    sa.Column('result', json, nullable=True),
    sa.Column('after_message_id', big, nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.SmallInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['after_message_id'], ['message.id'], name=op.f('fk_action_after_message_id_message')),
    sa.ForeignKeyConstraint(['session_id'], ['flow_session.id'], name=op.f('fk_action_session_id_flow_session')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_action'))
    )
    op.create_index('ix_action_after', 'action', ['after_message_id'], unique=False, sqlite_where=sa.text('after_message_id IS NOT NULL'), postgresql_where=sa.text('after_message_id IS NOT NULL'))
    op.create_index('ix_action_due', 'action', ['due_at'], unique=False, sqlite_where=sa.text("state IN ('pending', 'claimed')"), postgresql_where=sa.text("state IN ('pending', 'claimed')"))
    op.create_index(op.f('ix_action_session_id'), 'action', ['session_id'], unique=False)



def downgrade() -> None:
    op.drop_index(op.f('ix_action_session_id'), table_name='action')
    op.drop_index('ix_action_due', table_name='action', sqlite_where=sa.text("state IN ('pending', 'claimed')"), postgresql_where=sa.text("state IN ('pending', 'claimed')"))
    op.drop_index('ix_action_after', table_name='action', sqlite_where=sa.text('after_message_id IS NOT NULL'), postgresql_where=sa.text('after_message_id IS NOT NULL'))

    op.drop_table('action')
    op.drop_index('uq_message_wamid', table_name='message')
    op.drop_index('ix_message_unhandled', table_name='message', sqlite_where=sa.text("direction = 'in' AND handled_at IS NULL"), postgresql_where=sa.text("direction = 'in' AND handled_at IS NULL"))
    op.drop_index('ix_message_session', table_name='message', sqlite_where=sa.text('session_id IS NOT NULL'), postgresql_where=sa.text('session_id IS NOT NULL'))
    op.drop_index(op.f('ix_message_recipient_id'), table_name='message')
    op.drop_index('ix_message_queue', table_name='message', sqlite_where=sa.text("state IN ('queued', 'sending')"), postgresql_where=sa.text("state IN ('queued', 'sending')"))
    op.drop_index('ix_message_lane', table_name='message', sqlite_where=sa.text("state = 'sending'"), postgresql_where=sa.text("state = 'sending'"))
    op.drop_index('ix_message_chat', table_name='message')

    op.drop_table('message')
    op.drop_index('uq_funnel_step_first', table_name='funnel_step')

    op.drop_table('funnel_step')
    op.drop_index('uq_flow_session_live', table_name='flow_session', sqlite_where=sa.text("status = 'active'"), postgresql_where=sa.text("status = 'active'"))
    op.drop_index(op.f('ix_flow_session_recipient_id'), table_name='flow_session')
    op.drop_index(op.f('ix_flow_session_contact_id'), table_name='flow_session')

    op.drop_table('flow_session')
    op.drop_table('spending')
    op.drop_index('uq_recipient_person', table_name='recipient')
    op.drop_index('ix_recipient_wamid', table_name='recipient', sqlite_where=sa.text('wamid IS NOT NULL'), postgresql_where=sa.text('wamid IS NOT NULL'))
    op.drop_index('ix_recipient_queue', table_name='recipient', sqlite_where=sa.text("state = 'queued'"), postgresql_where=sa.text("state = 'queued'"))
    op.drop_index('ix_recipient_lane', table_name='recipient', sqlite_where=sa.text("state = 'sending'"), postgresql_where=sa.text("state = 'sending'"))
    op.drop_index('ix_recipient_counts', table_name='recipient')
    op.drop_index(op.f('ix_recipient_contact_id'), table_name='recipient')

    op.drop_table('recipient')
    op.drop_index(op.f('ix_engagement_contact_id'), table_name='engagement')
    op.drop_index(op.f('ix_engagement_campaign_id'), table_name='engagement')

    op.drop_table('engagement')
    op.drop_index('uq_media_handle_file', table_name='media_handle')

    op.drop_table('media_handle')
    op.drop_index('ix_lane_open', table_name='lane')

    op.drop_table('lane')
    op.drop_index('uq_conversation_pair', table_name='conversation')
    op.drop_index(op.f('ix_conversation_number_id'), table_name='conversation')
    op.drop_index(op.f('ix_conversation_last_message_at'), table_name='conversation')
    op.drop_index('ix_conversation_handed', table_name='conversation', sqlite_where=sa.text('handed_flow_id IS NOT NULL'), postgresql_where=sa.text('handed_flow_id IS NOT NULL'))

    op.drop_table('conversation')
    op.drop_index('uq_case_open', table_name='case', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.drop_index(op.f('ix_case_contact_id'), table_name='case')

    op.drop_table('case')
    op.drop_index(op.f('ix_campaign_tests_id'), table_name='campaign')
    op.drop_index('ix_campaign_status_number', table_name='campaign')

    op.drop_table('campaign')
    op.drop_index('uq_template_name_language', table_name='template')
    op.drop_index(op.f('ix_template_meta_id'), table_name='template')

    op.drop_table('template')
    op.drop_index(op.f('ix_number_waba_id'), table_name='number')

    op.drop_table('number')
    op.drop_table('bought')
    op.drop_index(op.f('ix_waba_portfolio_id'), table_name='waba')

    op.drop_table('waba')
    op.drop_table('rate')
    op.drop_index('ix_portfolio_ledger_age', table_name='portfolio_ledger')

    op.drop_table('portfolio_ledger')
    op.drop_index(op.f('ix_list_member_contact_id'), table_name='list_member')

    op.drop_table('list_member')
    op.drop_index('uq_flow_version_number', table_name='flow_version')

    op.drop_table('flow_version')
    op.drop_index('ix_contact_tag_tag_value', table_name='contact_tag')

    op.drop_table('contact_tag')
    op.drop_index('uq_contact_order_external', table_name='contact_order')
    op.drop_index('ix_contact_order_placed', table_name='contact_order')

    op.drop_table('contact_order')
    op.drop_index('uq_contact_identity_bsuid', table_name='contact_identity')
    op.drop_index(op.f('ix_contact_identity_contact_id'), table_name='contact_identity')

    op.drop_table('contact_identity')
    op.drop_index(op.f('ix_consent_event_contact_id'), table_name='consent_event')

    op.drop_table('consent_event')
    op.drop_table('user')
    op.drop_table('tag')
    op.drop_table('suppression')
    op.drop_table('setting')
    op.drop_table('segment')
    op.drop_table('rate_card')
    op.drop_index(op.f('ix_purged_wamid_expires_at'), table_name='purged_wamid')

    op.drop_table('purged_wamid')
    op.drop_table('portfolio')
    op.drop_index(op.f('ix_parked_status_wamid'), table_name='parked_status')
    op.drop_index(op.f('ix_parked_status_expires_at'), table_name='parked_status')

    op.drop_table('parked_status')
    op.drop_table('list')
    op.drop_table('flow')
    op.drop_index(op.f('ix_dead_letter_last_at'), table_name='dead_letter')

    op.drop_table('dead_letter')
    op.drop_index(op.f('ix_contact_person_key'), table_name='contact')
    op.drop_index(op.f('ix_contact_merged_into_id'), table_name='contact')
    op.drop_index(op.f('ix_contact_last_inbound_at'), table_name='contact')
    op.drop_index('ix_contact_consent', table_name='contact')

    op.drop_table('contact')
    op.drop_table('budget')
    op.drop_index('ix_audit_object', table_name='audit')
    op.drop_index(op.f('ix_audit_at'), table_name='audit')

    op.drop_table('audit')
    op.drop_table('attribute')
    op.drop_table('api_token')
