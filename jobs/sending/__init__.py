"""One lane a number: wake, claim, pace, send, record, react."""
