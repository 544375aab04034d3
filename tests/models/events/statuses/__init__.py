"""Tests of models/events/statuses/."""
