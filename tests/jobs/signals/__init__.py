"""Tests of jobs/signals/."""
