"""The command as users type it, on whole files: bytes, exit codes and sentences."""
