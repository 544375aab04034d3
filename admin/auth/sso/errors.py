"""Errors of single sign-on, each a line for the person who signs in."""

from models.errors import OperatorError


class SignOnError(OperatorError):
    """The provider's word was not accepted, or it gives no access."""


class ProviderUnavailableError(OperatorError):
    """The provider cannot be asked now; the same attempt may work later."""


class ProviderBusyError(ProviderUnavailableError):
    """Too many wait for the provider at this moment."""
