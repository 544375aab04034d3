"""Errors of asking a shop, by what the caller does: try again later, tell the operator, or leave this one customer."""

from models.errors import OperatorError


class ShopError(OperatorError):
    """The shop refused a call or did not answer. The text is one line without secrets and without a customer's data.

    `is_transient`: the same call may work later. `is_denied`: the token is not valid, or may not do that; a person has to act.
    """

    def __init__(
        self, template: str, /, *, is_transient: bool = False, is_denied: bool = False, **values: object
    ) -> None:
        super().__init__(template, **values)
        self.is_transient = is_transient
        self.is_denied = is_denied


class ShopRefusedError(ShopError):
    """The shop understood a change and did not make it (`userErrors`); the same change will not be made later either."""
