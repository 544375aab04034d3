"""Tests of models/events/messages/."""
