"""Tests of models/audience/."""
