"""Tests of models/tries/."""
