"""The benchmark: what an attempt costs, form beside form, on the same input (`make bench`)."""
