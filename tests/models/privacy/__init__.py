"""Tests of models/privacy/."""
