"""Steps that must look at results on the driver: growing a model, matching clusters. Only through `lake.bounded`."""
