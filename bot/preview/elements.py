"""Makes HTML elements: names and attributes by keyword, every text escaped."""

from markupsafe import Markup, escape

Child = str | None
Attribute = str | int | bool | None


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """An element. A `Markup` child is put in as it is, any other text escaped, None left out.

    Attributes: `class_` is `class`, other underscores are hyphens; True is an attribute without a value, False and None none.
    """
    return Markup("{}{}</{}>").format(_start(tag, attributes), joined(*children), tag)


def void(tag: str, **attributes: Attribute) -> Markup:
    """An element without content, such as `img`."""
    return _start(tag, attributes)


def joined(*children: Child) -> Markup:
    """The children one after the other."""
    return Markup("").join(escape(child) for child in children if child is not None)


def _start(tag: str, attributes: dict[str, Attribute]) -> Markup:
    parts = [Markup("<{}").format(tag)]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        written = name.rstrip("_").replace("_", "-")
        parts.append(Markup(" {}").format(written) if value is True else Markup(' {}="{}"').format(written, value))
    return Markup("").join([*parts, Markup(">")])
