"""Tests of models/explanations/."""
