"""Defines the settings of single sign-on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OidcSettings:
    """The provider of single sign-on (OpenID Connect), and Hark's account as a program there."""

    issuer: str
    """Without a slash at its end, which some providers' own names have."""
    client_id: str
    client_secret: str | None
    """None for a public client, which has PKCE alone."""
    role_claim: str | None
    """The claim that holds a user's roles. None: roles are given in Hark, and only its users may sign in."""
