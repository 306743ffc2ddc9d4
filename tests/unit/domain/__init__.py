"""The rules of fund loads, rule by rule."""
