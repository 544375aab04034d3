"""What tests stand on: services, rigs and rows."""
