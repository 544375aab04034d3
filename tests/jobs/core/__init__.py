"""Tests of jobs/core/."""
