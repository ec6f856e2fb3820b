"""The only package that touches storage: session, tables, raw files, leases."""
