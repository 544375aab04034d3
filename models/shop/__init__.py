"""Reads rows of orders files, and stores and sums up orders, for segments and variables."""
