"""Sends campaigns: lanes serve a number each, claim recipients, keep the pace, send, record results and react to errors."""
