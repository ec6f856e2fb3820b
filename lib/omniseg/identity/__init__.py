"""Which identifiers are one person. Until the graph comes, each identity key is a person of its own, behind the same
look-up.
"""
