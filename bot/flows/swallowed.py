"""Finds titles and keywords of a bot flow that a STOP or START takes before the flow can (bot.opt_out_words)."""

from collections.abc import Iterator

from bot.flows.nodes import FlowDefinition, options_of
from bot.opt_out_words import is_certain_stop, opt_out_intent


def problem_with_title(title: str) -> str | None:
    """Return why an option may not have this title: typed, it opts out, whatever was asked. None if it may."""
    if is_certain_stop(title):
        return f"{title!r} is a STOP word: who types it is unsubscribed, and the flow does not go on"
    return None


def warning_about_title(title: str) -> str | None:
    """Return what a typed title does while its question is not open; None if nothing. An open question takes it as the answer."""
    word = None if problem_with_title(title) else opt_out_intent(title)
    if word == "stop":
        return f"{title!r} is a STOP word: who types it while this question is not open is unsubscribed"
    if word == "start":
        return f"{title!r} is a START word: who had stopped and types it while this question is not open is subscribed"
    return None


def problem_with_keyword(keyword: str) -> str | None:
    """Return why a flow may not have this keyword: no question is open, so that every STOP or START word counts. None if it may."""
    word = opt_out_intent(keyword)
    if word == "stop":
        return f"{keyword!r} is a STOP word: who writes it is unsubscribed, and the flow does not begin"
    if word == "start":
        return f"{keyword!r} is a START word: who had stopped and writes it is subscribed, and the flow does not begin"
    return None


def own_word_problems(flow: FlowDefinition, own: frozenset[str]) -> Iterator[str]:
    """Yield the titles and keywords that the installation's own opt-out words (`read_own_words`) would take."""
    for keyword in flow.keywords:
        if is_certain_stop(keyword, own):
            yield f"keywords: {keyword!r} is an opt-out word of your own: who writes it is unsubscribed"
    for name, node in flow.nodes.items():
        for _, option in options_of(node):
            if is_certain_stop(option.title, own):
                yield f"nodes.{name}: {option.title!r} is an opt-out word of your own: who types it is unsubscribed"
