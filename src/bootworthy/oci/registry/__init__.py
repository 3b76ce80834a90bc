"""Other people's registries, spoken to as the OCI distribution-spec v1.1 says; begin reading at `wire.py`."""
