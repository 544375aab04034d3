"""Tests of models/templates/."""
