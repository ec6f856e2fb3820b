"""Fit the clusters on the feature vectors of a date and keep the model.

Reads: gold.customer_features.
Writes: the MLflow experiment, ops.runs.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("train")
