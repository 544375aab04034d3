"""Tests of models/retry/."""
