"""Tests of bot/links/."""
