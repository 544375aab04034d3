"""Tests of models/contacts/."""
