"""Tests of bot/meta/."""
