"""Tests of models/results/."""
