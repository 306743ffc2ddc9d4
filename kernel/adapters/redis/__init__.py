"""The ports on Redis: typed wrappers over one Lua script a step, and the bell over RQ."""
