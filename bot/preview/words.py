"""The words that the phone itself adds to a message, in English; a caller can give those of another language."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhoneWords:
    """Templates with named values, as WhatsApp's app words them."""

    read_more: str = "Read more"
    all_options: str = "See all options"
    items: str = "{count} items"
    one_item: str = "1 item"
    catalog: str = "View our catalog on WhatsApp"
    view_items: str = "View items"
    view: str = "View"
    view_catalog: str = "View catalog"
    copy_offer: str = "Copy offer code"
    copy_code: str = "Copy code"
    autofill: str = "Autofill"
    share_contact: str = "Share contact info"
    choose_permission: str = "Choose preference"
    send_location: str = "Send location"
    give_address: str = "Provide address"
    call: str = "Call"
    code: str = "Code: {code}"
    ends_days: str = "Ends in {days} days"
    ends_hours: str = "Ends in {hours} h {minutes} min"
    ends_minutes: str = "Ends in {minutes} min"
    ended: str = "Offer ended"
    ends_open: str = "Ends in …"
    auth_code: str = "*{code}* is your verification code."
    auth_advice: str = "For your security, do not share this code."
    auth_expires: str = "This code expires in {minutes} minutes."
    # What stands for content that is not drawn as such, and the labels that screen readers say.
    message: str = "Message as a phone shows it"
    cards: str = "Carousel of {count} cards"
    card: str = "Card {place} of {count}"
    image: str = "Image"
    video: str = "Video"
    gif: str = "GIF"
    sticker: str = "Sticker"
    document: str = "Document"
    location: str = "Location"
    product: str = "Product"
    audio: str = "Audio"
    voice: str = "Voice message"
    contact: str = "Contact"
    order: str = "Order"
    unsupported: str = "{kind}: not drawn here"
    no_template: str = "Template {name}"
    reacted: str = "Reacted with {emoji}"
    reaction_removed: str = "Removed a reaction"


ENGLISH = PhoneWords()
