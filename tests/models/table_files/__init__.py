"""Tests of models/table_files/."""
