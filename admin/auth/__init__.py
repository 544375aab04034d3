"""Users, roles, sign-in, sessions, CSRF."""
