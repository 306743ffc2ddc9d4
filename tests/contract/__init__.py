"""One suite for both twins of the ports: memory, and Lua on a real server."""
