"""Tests of models/proof/."""
