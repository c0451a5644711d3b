"""Scores, out-of-distribution detection, surprise maps and pictures of samples."""
