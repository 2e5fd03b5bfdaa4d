"""The verifier as a service: HTTP application, typed client, and leases."""
