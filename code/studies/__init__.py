"""Studies: networks trained many times, on one machine or on a cluster; what chapters report comes from here."""
