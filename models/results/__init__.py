"""What came of a campaign beyond its recipients' states: who asked for an end because of it, steps of its bot flow."""
