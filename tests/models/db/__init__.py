"""Tests of models/db/."""
