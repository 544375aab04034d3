"""Tests of bot/webhooks/."""
