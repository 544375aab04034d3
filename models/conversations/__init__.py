"""Conversations: outgoing messages, cases, the lease of the process that answers, bot flows and their sessions."""
