"""A made-up retailer whose shoppers are known: scale and truth are tested here, as nothing is left to guess."""
