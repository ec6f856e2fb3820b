"""Features of customers: declared once in YAML, kept as daily partial aggregates, merged per person as of any date."""
