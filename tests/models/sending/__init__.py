"""Tests of models/sending/."""
