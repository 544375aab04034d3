"""Tests of jobs/maintenance/."""
