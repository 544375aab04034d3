"""The operator's hands: panel, commands, exports."""
