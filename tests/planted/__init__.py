"""Guards taken out one at a time, and which test notices."""
