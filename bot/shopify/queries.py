"""The GraphQL documents, for version 2026-07 and later of the Admin API, which know consent to WhatsApp messages.

Consent to text messages is asked for where it counts alone. Its flat fields are older than `smsMarketingConsent` and are deprecated
since 2026-10; they are named in Shopify's reference, and the fields of the newer object are not.
"""

_SMS = "marketingState marketingOptInLevel marketingUpdatedAt marketingCollectedFrom"
_WHATSAPP = "whatsAppMarketingConsent { state optInLevel updatedAt collectedFrom }"


def customer_fields(*, with_sms: bool) -> str:
    """Return what is asked of every customer."""
    sms = f" {_SMS}" if with_sms else ""
    return (
        "id updatedAt firstName lastName tags defaultEmailAddress { emailAddress } "
        f"defaultPhoneNumber {{ phoneNumber {_WHATSAPP}{sms} }} defaultAddress {{ phone countryCodeV2 }}"
    )


def customers_by_id(count: int, *, with_sms: bool) -> str:
    """Return a query for so many customers, of the variables `$id0`, `$id1` and so on, in fields `c0`, `c1` and so on."""
    variables = ", ".join(f"$id{place}: ID!" for place in range(count))
    fields = customer_fields(with_sms=with_sms)
    parts = " ".join(f"c{place}: customer(id: $id{place}) {{ {fields} }}" for place in range(count))
    return f"query Customers({variables}) {{ {parts} }}"


def changed_customers(page_size: int, *, with_sms: bool) -> str:
    """Return a query for a page of the customers that `$query` describes, the longest unchanged first, after `$after`."""
    return (
        "query ChangedCustomers($after: String, $query: String) { "
        f"customers(first: {page_size}, after: $after, query: $query, sortKey: UPDATED_AT) {{ "
        f"nodes {{ {customer_fields(with_sms=with_sms)} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


UNSUBSCRIBE = (
    "mutation Unsubscribe($input: CustomerWhatsAppMarketingConsentUpdateInput!) { "
    "customerWhatsAppMarketingConsentUpdate(input: $input) { "
    "customerPhoneNumber { phoneNumber whatsAppMarketingConsent { state } } userErrors { code field message } } }"
)
