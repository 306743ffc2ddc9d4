"""The stream engine: section by section what `kernel.engine` promises."""
