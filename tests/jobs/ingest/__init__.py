"""Tests of jobs/ingest/."""
