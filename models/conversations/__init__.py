"""The chat: messages out, cases, who answers, and sessions of bot flows."""
