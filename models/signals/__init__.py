"""Signals: what a pattern in a campaign's figures probably means, judged by what is usual in this installation."""
