"""Tests of admin/operations/proofs/."""
