"""The version, here alone: the package metadata is read from this line."""

__version__ = "0.1.0"  # of this package, as in `pip show thalweg`
