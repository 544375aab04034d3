"""Tests of models/shop/."""
