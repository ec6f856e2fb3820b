"""Segments: how they are declared, named, profiled, audited, hashed and followed from one snapshot to the next."""
