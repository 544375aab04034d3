"""Tests of models/signals/."""
