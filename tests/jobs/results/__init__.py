"""Tests of jobs/results/."""
