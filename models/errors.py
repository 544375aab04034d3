"""Every error of ours stands in one tree; an `OperatorError` is a sentence for the person who asked.

HarkError                               root; never raised itself
├── OperatorError                       one line for whoever asked: what, where, what is allowed. Nothing was changed
│   ├── CampaignNotFoundError           models.tables.campaign
│   ├── TransitionError                 models.tables.campaign: the campaign's state does not allow it
│   ├── HeldError                       models.restore.release: the campaign may have been sent before the database was put back
│   ├── InsufficientBalanceError        models.billing.balance
│   ├── AudienceError                   models.audience.audience
│   ├── RuleError                       models.segments.operators: a segment's rule cannot be read
│   ├── FieldValueError                 models.contacts.field_values
│   ├── NotAPhoneError                  models.contacts.phone
│   ├── ContactNotFoundError            models.contacts.lookup
│   ├── ConsentError                    models.contacts.consent
│   ├── MergeError                      models.contacts.merge
│   ├── SettingsError                   models.config
│   ├── WrongKeyError                   models.crypto
│   ├── ProofError                      models.proof.archive: a file is no whole and genuine proof
│   ├── DefinitionError                 models.templates.definition.problems: Meta would refuse the template
│   ├── GraphError                      bot.meta.management: Meta refused, or could not be asked
│   │   └── CatalogsUnreadError         jobs.maintenance.catalog_sync: Meta did not list an account's catalogs
│   ├── ShopError                       bot.shopify.errors: the shop refused, or could not be asked
│   │   └── ShopRefusedError            it understood the change and does not make it
│   ├── BadFileError                    jobs.imports.errors
│   │   └── UnclearEncodingError        jobs.imports.encoding: several may be meant; somebody has to say which
│   ├── DatabaseBusyError               jobs.core.conflicts: other changes came first for too long
│   ├── MetaUnavailableError            jobs.campaigns.start
│   ├── MediaStoreError                 jobs.media.store: where media lie cannot be asked now
│   ├── MissingContentError             jobs.media.store: the content of a media file is not there
│   ├── FlowNameTakenError              admin.operations.flows: loading would replace another flow
│   ├── RedisUnavailableError           jobs.core.redis_server
│   ├── TooManyAttemptsError            admin.auth.attempts: the next sign-in is allowed a little later
│   ├── SignOnError                     admin.auth.sso.errors: the provider's word was not accepted, or gives no access
│   ├── ProviderUnavailableError        admin.auth.sso.errors: the provider cannot be asked now
│   │   └── ProviderBusyError           too many wait for it
│   └── AlreadyRunningError             admin.server.supervisor
├── TransportError                      bot.meta.transport: a send without an answer
│   ├── NothingSentError                certainly not sent
│   └── UncertainSendError              perhaps sent
├── ForbiddenAddressError               bot.outbound.client
├── UnreachableError                    bot.outbound.client
├── ErasedPersonError                   models.contacts.erased: said before its person was redacted
├── BadEventError                       bot.webhooks.parse_values
├── DestinationsUnavailableError        bot.links.destinations: where a tracked link leads is not known in time
├── StreamUnavailableError              bot.webhooks.stream
│   └── StreamSilentError
├── MediaNotReadyError              jobs.media.references: a file was not uploaded for the number
├── MissingSecretError              jobs.replies.http_calls: the call names a secret that is not there
├── RateLimiterClosedError              jobs.replies.rate
├── LaneLostError                       jobs.replies.store
├── StaleSessionError                   jobs.replies.write
├── StoppedError                        jobs.ingest.batch
├── TooManyRowsError                    jobs.imports.staging
└── DemoStoppedError                    admin.demo.director
"""

from typing import Self

from models.text import Text


class HarkError(Exception):
    """The root of the tree above."""


class OperatorError(HarkError, ValueError):
    """The text is one line for the operator: what, where, and what is allowed. Nothing was changed.

    `template` is the English sentence with named places (`"campaign {campaign_id} is {status}"`), `values` fill them. Kept apart
    so that the edge can say it in another language; `str()` is the English sentence.
    """

    def __init__(self, template: str, /, **values: object) -> None:
        self.text = Text(template, values)
        super().__init__(str(self.text))

    @classmethod
    def of(cls, error: "OperatorError") -> Self:
        """The same sentence as an error of this class."""
        return cls(error.text.template, **error.text.values)
