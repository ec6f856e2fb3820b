"""One function per command: reads, calls the domain, writes. `omniseg` and `jobs/` both call these."""
