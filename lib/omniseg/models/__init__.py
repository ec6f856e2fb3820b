"""Spark MLlib's bisecting k-means: model space, growing and pruning the tree, scoring from plain numbers."""
