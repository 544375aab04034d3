"""Tests of models/campaigns/."""
