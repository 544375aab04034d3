"""Tests of models/clicks/."""
