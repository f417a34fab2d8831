"""The providers' side of the wire: sandbox, demo and judge; written from the fact sheets only."""
