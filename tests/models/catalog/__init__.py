"""Tests of models.catalog."""
