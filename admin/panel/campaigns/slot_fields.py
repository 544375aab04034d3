"""Reads the fields of variables and of a header's medium from the campaign form, of the message or of one of its languages."""

from typing import Any


def read_sources(form: Any) -> dict[str, dict[str, dict[str, str]]]:
    """Read `slot-<place>-<key>-source`, `…-text`, `…-url`, `…-fallback`, `…-format` and `…-currency`; place → key → source."""
    sources: dict[str, dict[str, dict[str, str]]] = {}
    for field in form:
        if not field.startswith("slot-") or not field.endswith("-source") or field.count("-") < 3:
            continue
        _, place, key = field.removesuffix("-source").split("-", 2)
        kind, _, name = form[field].partition(":")
        if not kind:
            continue
        source = {"source": kind}
        if kind == "text":
            source["text"] = form.get(f"slot-{place}-{key}-text", "")
        elif kind == "link":
            source["url"] = form.get(f"slot-{place}-{key}-url", "").strip()
        elif kind in {"tag", "attribute"}:
            source[kind] = name
        elif kind in {"order", "product"}:
            source["field"] = name
        sources.setdefault(place, {})[key] = source
        if kind == "link":
            continue  # everybody gets a code of their own: there is nothing to fall back to, and nothing to format
        fallback = form.get(f"slot-{place}-{key}-fallback", "").strip()
        if fallback and kind != "text":
            source["fallback"] = fallback
        if form_of := form.get(f"slot-{place}-{key}-format", "").strip():
            source["format"] = form_of
        currency = form.get(f"slot-{place}-{key}-currency", "").strip().upper()
        if currency and form_of == "money" and kind not in {"order", "product"}:
            source["currency"] = currency
    return sources


def read_medium(form: Any) -> dict[str, str] | None:
    """Read the medium of a header: a link, an upload, or an id at Meta. None if none is given."""
    if link := form.get("media_link", "").strip():
        return {"link": link}
    sha256 = form.get("media_sha256", "").strip()
    if sha256 and not form.get("media_drop"):
        name = form.get("media_name", "").strip()
        return {"sha256": sha256} | ({"file": name} if name else {})
    if media_id := form.get("media_id", "").strip():
        return {"id": media_id}
    return None
