"""Second factors of users: codes of an authenticator app, recovery codes, passkeys, and who must have one."""
