"""Single sign-on by a provider of OpenID Connect: its endpoints and keys, its tokens, the roles and accounts that follow."""
