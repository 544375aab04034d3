"""Tests of models/events/."""
