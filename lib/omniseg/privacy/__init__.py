"""Pseudonyms, redaction and the vault: what stands between a delivered record and the first write."""
