"""Several processes of ours over a real server: every promise about kills, signals and orders."""
