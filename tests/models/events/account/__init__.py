"""Tests of models/events/account/."""
