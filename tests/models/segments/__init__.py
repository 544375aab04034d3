"""Tests of models/segments/."""
