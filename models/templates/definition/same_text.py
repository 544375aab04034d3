"""Says whether two definitions say the same, whatever their samples, their spelling of types, and the parts that Meta adds."""

from typing import Any


def is_same_text(one: Any, other: Any) -> bool:
    """Whether two lists of components in Meta's JSON say the same. Samples are left out: Meta returns links in their place."""
    return bool(_without_samples(one) == _without_samples(other))


def _without_samples(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_samples(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _without_samples(value) for key, value in part.items() if key != "example"}
    if kept.get("add_security_recommendation") is not None:
        kept.pop("text", None)  # Meta returns its own words
    for key in ("type", "format"):
        if isinstance(kept.get(key), str):
            kept[key] = kept[key].upper()
    return kept
