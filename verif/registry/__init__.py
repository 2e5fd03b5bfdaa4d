"""Registered models: lineage, gate, promotion, ledger. MLflow holds the versions and aliases."""
