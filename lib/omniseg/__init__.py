"""omniseg: omnichannel event logs in, versioned customer segments out."""

__version__ = "0.1.0"
