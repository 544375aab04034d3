"""Tests of models/conversations/."""
