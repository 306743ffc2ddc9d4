"""Both twins get the same calls, and after every one they must agree in answer and in state."""
