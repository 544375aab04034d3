"""Says what is drawn for a medium or a product that a message only refers to."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DrawnMedium:
    """A stored file. `url`: an address of ours from which its picture is served, "" if it has none; `size`: in bytes."""

    url: str = ""
    name: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class DrawnProduct:
    """A product of the catalog. `price` as it is shown; `url` as for a medium."""

    name: str = ""
    price: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is known of media, by Meta's id, link or any other reference of the caller, and of products, by SKU."""

    media: Mapping[str, DrawnMedium] = field(default_factory=dict)
    products: Mapping[str, DrawnProduct] = field(default_factory=dict)

    def medium(self, *references: str) -> DrawnMedium:
        """What is drawn for the first of the references that is known."""
        return next((self.media[reference] for reference in references if reference in self.media), DrawnMedium())

    def product(self, sku: str) -> DrawnProduct:
        """What is drawn for a product; its SKU stands for the name of one that is not known."""
        return self.products.get(sku) or DrawnProduct(sku)


def own_address(url: str) -> str | None:
    """The address if it is a path of the server that shows the page, else None: a preview fetches nothing from outside."""
    is_path = url.startswith("/") and not url.startswith(("//", "/\\"))
    return url if is_path and url.isprintable() else None


NO_PICTURES = Pictures()
