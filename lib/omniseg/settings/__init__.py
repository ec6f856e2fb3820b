"""Settings: files, environment and command line in, one frozen and complete `Settings` out."""
