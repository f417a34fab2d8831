"""Timed push tasks: what is planned, previewed, sent on time and told of (TP, PV, NF)."""
