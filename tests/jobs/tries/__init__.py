"""Tests of jobs/tries/."""
