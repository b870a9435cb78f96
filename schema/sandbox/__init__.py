"""Moving a sandbox brand by hand, so that front ends can be tested."""
