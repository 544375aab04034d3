"""Speaks with Meta and with people in chat: Graph API, webhooks, bot flows, routing, chat-ops and the sandbox."""
