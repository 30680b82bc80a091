"""Studies: networks trained many times, on one machine or on a cluster. They produce the results of the chapters."""
